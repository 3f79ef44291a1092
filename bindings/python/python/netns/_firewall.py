"""The thread that puts the firewall back."""

from __future__ import annotations

from types import TracebackType

from . import _netns


class FirewallWatch:
    """A thread that puts the firewall back, until it is closed or dropped."""

    def __init__(self, native: _netns.FirewallWatch) -> None:
        self._native = native

    def close(self) -> None:
        """Ends it."""
        self._native.close()

    def __enter__(self) -> FirewallWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
