"""What happens, in whatever process."""

from __future__ import annotations

import os
import threading
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING

from . import _netns
from ._errors import ClosedError, closed
from ._results import Event
from ._values import from_json

if TYPE_CHECKING:
    import asyncio

_AHEAD = 64
"""Events that are fetched before somebody wants them; what more there are waits, and is counted, in the library."""


class Events:
    """Events from now on, as an iterator that waits, for ``for`` and ``async for``; it ends with :meth:`close`.

    Any number of threads and of tasks, also of several loops, may take from it: each event goes to one of them, and none
    is lost when a task is cancelled.
    """

    def __init__(self, native: _netns.Events) -> None:
        self._native = native
        self._lock = threading.Lock()
        self._fetched: _Fetched | None = None

    def next(self, timeout: float | None = None) -> Event | None:
        """The next one, if there is one within so many seconds; by default it is waited for.

        :raises ClosedError: after, or during, :meth:`close`.
        """
        fetched = self._own()
        text = self._native.next(timeout) if fetched is None else fetched.take(timeout)
        return None if text is None else from_json(Event, text)

    def close(self) -> None:
        """Ends the iteration, also of who waits now."""
        self._native.close()
        if fetched := self._own():
            fetched.end()

    def __iter__(self) -> Events:
        return self

    def __next__(self) -> Event:
        try:
            event = self.next()
        except ClosedError:
            raise StopIteration from None
        assert event is not None
        return event

    def __aiter__(self) -> Events:
        return self

    async def __anext__(self) -> Event:
        try:
            return from_json(Event, await self._fetching().get())
        except ClosedError:
            raise StopAsyncIteration from None

    def _fetching(self) -> _Fetched:
        """With a thread that waits for events: from the first ``async for`` on."""
        with self._lock:
            fetched = self._fetched = self._own() or _Fetched(self._native)
            return fetched

    def _own(self) -> _Fetched | None:
        """None in a forked process as well, which has no such thread."""
        fetched = self._fetched
        return fetched if fetched is not None and fetched.process == os.getpid() else None

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_fetched", None) is not None:  # the thread would wait on
            self.close()


class _Fetched:
    """What a thread has fetched, in the order in which it happened. It does not know the object that it ends with."""

    def __init__(self, native: _netns.Events) -> None:
        self.process = os.getpid()
        self._changed = threading.Condition()
        self._texts: deque[str] = deque()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._ended = False
        threading.Thread(target=self._fetch, args=(native,), name="netns-events", daemon=True).start()

    def take(self, timeout: float | None) -> str | None:
        """The next one, as :meth:`Events.next`."""
        with self._changed:
            self._changed.wait_for(lambda: self._texts or self._ended, timeout)
            return self._next()

    async def get(self) -> str:
        """The next one. A task that is cancelled has taken none."""
        import asyncio  # it takes longer to import than all of this package

        loop = asyncio.get_running_loop()
        while True:
            with self._changed:
                text = self._next()
                if text is not None:
                    return text
                waiter = loop, loop.create_future()
                self._waiting.append(waiter)
            try:
                await waiter[1]
            finally:
                with self._changed:
                    if waiter in self._waiting:
                        self._waiting.remove(waiter)

    def end(self) -> None:
        """Wakes all who wait."""
        with self._changed:
            self._ended = True
            self._wake()

    def _next(self) -> str | None:
        if self._ended:
            raise closed("events")
        if not self._texts:
            return None
        self._changed.notify_all()  # the thread may go on
        return self._texts.popleft()

    def _fetch(self, native: _netns.Events) -> None:
        try:
            while not self._ended:
                text = native.next(None)
                with self._changed:
                    if text is not None:
                        self._texts.append(text)
                    self._wake()
                    self._changed.wait_for(lambda: len(self._texts) < _AHEAD or self._ended)
        except ClosedError:
            pass
        finally:
            self.end()

    def _wake(self) -> None:
        self._changed.notify_all()
        waiting, self._waiting = self._waiting, []
        for loop, future in waiting:
            try:
                loop.call_soon_threadsafe(_settle, future)
            except RuntimeError:  # the loop was closed, and with it who waited
                continue


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
