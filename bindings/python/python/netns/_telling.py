"""What a controller tells as time goes by: statistics and events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from . import _netns
from ._convert import converted
from ._events import Events
from ._meter import Meter
from ._results import EndpointStats
from ._values import from_json, list_from_json, to_json
from ._words import Detail

if TYPE_CHECKING:
    from ._watch import Sample


class Telling:
    """The part of a controller that tells."""

    _native: _netns.Controller

    def stats(self, detail: Detail | str = Detail.FULL) -> list[EndpointStats]:
        """The statistics of all endpoints that have interfaces."""
        return list_from_json(EndpointStats, self._native.all_stats(_detail(detail)))

    def endpoint_stats(self, network: str, endpoint: str, detail: Detail | str = Detail.FULL) -> EndpointStats:
        """Those of one endpoint.

        :raises NotFoundError: there is none, or it is in no sandbox.
        """
        return from_json(EndpointStats, self._native.stats(network, endpoint, _detail(detail)))

    def watch_stats(
        self, interval: float = 1.0, *, detail: Detail | str = Detail.FAST
    ) -> AsyncGenerator[Sample, None]:
        """:meth:`stats` now and then every so many seconds, for ``async for``, until the controller is closed.

        Reading them blocks no other task. Who takes longer than the interval misses samples and gets the next in time.

        :raises BadRequestError: the interval is not above 0, or there is no such detail.
        """
        from ._watch import watch_stats  # with asyncio, which takes longer to import than all of this package

        return watch_stats(self.stats, interval, converted(Detail, detail, "detail"))

    def meter(self) -> Meter:
        """The counters of this host, which are made when there are none.

        :raises NotImplementedError: no bpf filesystem is there.
        :raises PermissionDeniedError: without the right to use bpf.
        """
        return Meter._of(self._native.meter())

    def set_meter(self, network: str, endpoint: str, on: bool) -> None:
        """Meters an endpoint's interface from now on, or no more."""
        self._native.set_meter(network, endpoint, on)

    def events(self) -> Events:
        """What happens from now on, in this process and every other that has the run directory open."""
        return Events(self._native.events())


def _detail(detail: Detail | str) -> str:
    return to_json(converted(Detail, detail, "detail"))
