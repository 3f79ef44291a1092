"""Network namespaces, and what runs inside them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Union

from . import _netns
from ._convert import within

if TYPE_CHECKING:
    import subprocess

T = TypeVar("T")
Command = Union[str, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]]


class Namespace:
    """A handle of a network namespace, which it keeps alive."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """The namespace that a file names: ``/run/netns/web``, or ``/proc/PID/ns/net``.

        :raises NotFoundError: there is no such file.
        :raises BadRequestError: it is no network namespace.
        """
        self._native = _netns.Namespace.open(Path(path))

    @classmethod
    def _of(cls, native: _netns.Namespace) -> Namespace:
        made = object.__new__(cls)
        made._native = native
        return made

    @classmethod
    def current(cls) -> Namespace:
        """The calling thread's."""
        return cls._of(_netns.Namespace.current())

    @classmethod
    def create(cls) -> Namespace:
        """A fresh one that nothing but this handle keeps alive.

        :raises PermissionDeniedError: without ``CAP_SYS_ADMIN``.
        """
        return cls._of(_netns.Namespace.create())

    @classmethod
    def from_pid(cls, pid: int) -> Namespace:
        """That of a process.

        :raises NotFoundError: there is no such process.
        """
        return cls._of(_netns.Namespace.from_pid(within("pid", pid, 1, 2**32 - 1)))

    @classmethod
    def from_fd(cls, fd: int) -> Namespace:
        """That of a descriptor of this process, which stays the caller's.

        :raises NotFoundError: there is no such descriptor.
        :raises BadRequestError: it is of no network namespace.
        """
        return cls._of(_netns.Namespace.from_fd(within("fd", fd, 0, 2**31 - 1)))

    @staticmethod
    def forget(path: str | os.PathLike[str]) -> None:
        """Unmounts and removes what :meth:`persist` made; no error when it is gone."""
        _netns.Namespace.forget(Path(path))

    def persist(self, path: str | os.PathLike[str]) -> None:
        """Mounts it on a new file, so that it outlives its handles.

        :raises AlreadyExistsError: something is there.
        """
        self._native.persist(Path(path))

    @property
    def id(self) -> tuple[int, int]:
        """Device and inode: two handles of one namespace have the same."""
        return self._native.id()

    def fileno(self) -> int:
        """The descriptor, which stays this object's."""
        return self._native.fileno()

    def enter(self) -> _netns.Inside:
        """``with namespace.enter():`` has the calling thread inside, and back at the end whatever happens.

        Sockets that are opened there stay inside; so do threads and processes that are started there. In a coroutine
        nothing may be awaited there: others run on the same thread.
        """
        return self._native.enter()

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Calls ``function`` on a thread inside and returns, or raises, what it does. An exception of the caller's own,
        as of Ctrl-C, does not end that thread."""
        return _called(self._native, lambda: function(*args, **kwargs))

    def popen(self, args: Command, **kwargs: Any) -> subprocess.Popen[Any]:
        """:class:`subprocess.Popen` inside. The file system is the caller's own, ``/sys`` included."""
        import subprocess  # not when the package is imported: many need none

        return self._native.run(lambda: subprocess.Popen(args, **kwargs))

    def run(
        self,
        args: Command,
        *,
        input: str | bytes | None = None,
        capture_output: bool = False,
        timeout: float | None = None,
        check: bool = False,
        **kwargs: Any,
    ) -> subprocess.CompletedProcess[Any]:
        """:func:`subprocess.run` inside; ``timeout`` is in seconds.

        :raises subprocess.CalledProcessError: with ``check``, it did not exit with 0.
        :raises subprocess.TimeoutExpired: it took longer, and was killed.
        :raises ValueError: ``input`` with ``stdin``, or ``capture_output`` with ``stdout`` or ``stderr``.
        """
        import subprocess

        if input is not None and kwargs.get("stdin") is not None:
            raise ValueError("input is what stdin would be: give one of them")
        if capture_output and (kwargs.get("stdout") is not None or kwargs.get("stderr") is not None):
            raise ValueError("capture_output is what stdout and stderr would be: give it or them")
        if input is not None:
            kwargs["stdin"] = subprocess.PIPE
        if capture_output:
            kwargs["stdout"] = kwargs["stderr"] = subprocess.PIPE
        with self.popen(args, **kwargs) as process:
            try:
                out, err = process.communicate(input, timeout)
            except BaseException:  # what it has said until then is in the exception, and a child of its may hold the pipe
                process.kill()
                raise
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
        if check:
            done.check_returncode()
        return done

    def __repr__(self) -> str:
        return f"<netns.Namespace {self.id[0]}:{self.id[1]}>"


def _called(native: _netns.Namespace, function: Callable[[], T]) -> T:
    answers: list[T] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(native.run(function))
        except BaseException as exception:
            raised.append(exception)

    thread = threading.Thread(target=work, name="netns-call", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return answers[0]
