"""Directories of labs and of tests, each its process's own, so that nothing of the machine's is needed or touched."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ._namespace import Namespace

PREFIX = "netns-lab-"
"""The number of the process follows."""
_LOCK = "owner"
_MNT_DETACH = 2
_GRACE = 2.0
"""Seconds that a process has between being asked to end and being killed."""


class Workplace:
    """A directory with a lock that is held as long as its process lives: by it the next one knows what was left."""

    def __init__(self, parent: str | os.PathLike[str] | None = None) -> None:
        """Makes one in a directory, the one for temporary files by default, and removes those of dead processes there.

        :raises OSError: it cannot be made.
        """
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent)).resolve()
        self._lock = _locked(self.path / "new")
        os.rename(self.path / "new", self.path / _LOCK)  # who finds it there finds it locked
        _collect(self.path.parent)

    @property
    def sandboxes(self) -> Path:
        """Where sandboxes are mounted."""
        return self.path / "sandboxes"

    def mount_bpf(self) -> Path | None:
        """A bpf filesystem of its own, for counters; None where that is not permitted."""
        place = self.path / "bpf"
        place.mkdir()
        if _libc().mount(b"bpf", os.fsencode(place), b"bpf", 0, None) == 0:
            return place
        place.rmdir()
        return None

    def remove(self) -> None:
        """Unmounts and removes everything in it; repeated calls succeed."""
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def mounts_under(directory: Path) -> list[Path]:
    """Where something is mounted at or below a directory, as the calling process sees it; the last one first."""
    place = str(directory)
    found = [each for each in mounts() if each == place or each.startswith(place + "/")]
    return [Path(each) for each in reversed(found)]


def mounts() -> list[str]:
    """All mount points of the calling process, in the order of their mounting."""
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    escaped = (line.split()[4].decode("unicode_escape") for line in lines)
    return [os.fsdecode(each.encode("latin-1")) for each in escaped]


def processes_in(namespaces: Iterable[Namespace]) -> list[int]:
    """The processes inside, without the calling one."""
    inside = set(map(name_of, namespaces))
    return [pid for pid in _processes() if pid != os.getpid() and _namespace_of(pid) in inside]


def end_processes(namespaces: Iterable[Namespace]) -> list[int]:
    """Ends the processes inside, by SIGTERM, and by SIGKILL after two seconds, or when the wait is interrupted; returns
    which there were."""
    inside = list(namespaces)
    found = processes_in(inside)
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(inside, number)
            if _gone(inside):
                break
    except BaseException:
        _signal(inside, signal.SIGKILL)
        raise
    return found


def namespaces_in_use() -> set[str]:
    """The network namespaces that processes, this one's threads among them, and mounts keep alive: ``net:[4026531833]``."""
    threads = (Path("/proc/self/task") / each / "ns/net" for each in os.listdir("/proc/self/task"))
    held = {_link(each) for each in threads} - {None}
    mounted = (line.split()[3] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return namespaces_of(_processes()) | {str(each) for each in held} | {each for each in mounted if each.startswith("net:[")}


def namespaces_of(processes: Iterable[int]) -> set[str]:
    """Those of the first threads of processes."""
    return {each for each in map(_namespace_of, processes) if each is not None}


def name_of(namespace: Namespace) -> str:
    """As :func:`namespaces_in_use` has it."""
    return f"net:[{namespace.id[1]}]"


def _signal(namespaces: list[Namespace], number: signal.Signals) -> None:
    for pid in processes_in(namespaces):
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            continue
        try:
            if pid in processes_in(namespaces):  # the number may have been given out again
                signal.pidfd_send_signal(descriptor, number)
        except OSError:
            pass
        finally:
            os.close(descriptor)


def _gone(namespaces: list[Namespace]) -> bool:
    deadline = time.monotonic() + _GRACE
    while processes_in(namespaces):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _namespace_of(pid: int) -> str | None:
    return _link(Path(f"/proc/{pid}/ns/net"))


def _link(place: Path) -> str | None:
    try:
        return os.readlink(place)
    except OSError:
        return None


def _libc() -> Any:
    import ctypes  # which most who import the package do without

    return ctypes.CDLL(None)


def _locked(file: Path) -> int | None:
    """The lock on a file, or None where another process has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _collect(parent: Path) -> None:
    """Removes the directories whose processes are gone."""
    for each in parent.glob(f"{PREFIX}*"):
        try:
            if each.lstat().st_uid == os.geteuid() and each.is_dir() and (each / _LOCK).exists():
                _collect_one(each)
        except OSError:
            continue


def _collect_one(directory: Path) -> None:
    descriptor = _locked(directory / _LOCK)
    if descriptor is None:
        return
    try:
        _remove(directory)
    finally:
        os.close(descriptor)


def _remove(directory: Path) -> None:
    for place in mounts_under(directory):
        _libc().umount2(os.fsencode(place), _MNT_DETACH)
    shutil.rmtree(directory, ignore_errors=True)
