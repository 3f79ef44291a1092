"""What happens, in whatever process."""

from __future__ import annotations

from types import TracebackType

from . import _netns
from ._errors import ClosedError
from ._results import Event
from ._values import from_json

_TURN = 0.25


class Events:
    """Events from now on, as an iterator that waits, for ``for`` and ``async for``; it ends with :meth:`close`."""

    def __init__(self, native: _netns.Events) -> None:
        self._native = native

    def next(self, timeout: float | None = None) -> Event | None:
        """The next one, if there is one within so many seconds; by default it is waited for.

        :raises ClosedError: after, or during, :meth:`close`.
        """
        text = self._native.next(timeout)
        return None if text is None else from_json(Event, text)

    def close(self) -> None:
        """Ends the iteration, also of who waits now."""
        self._native.close()

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
        import asyncio  # it takes longer to import than all of this package

        event = None
        while event is None:
            try:
                event = await asyncio.to_thread(self.next, _TURN)
            except ClosedError:
                raise StopAsyncIteration from None
        return event

    def __enter__(self) -> Events:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
