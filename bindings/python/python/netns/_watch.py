"""Statistics as time goes by, for asyncio."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ._convert import wrong
from ._errors import BadRequestError, ClosedError
from ._results import EndpointStats, Stats
from ._words import Detail


@dataclass(frozen=True)
class Sample:
    """The statistics of all endpoints at one time."""

    time: float
    """When, in seconds of :func:`time.monotonic`."""
    stats: Mapping[tuple[str, str], Stats]
    """By the names of network and endpoint: of all that were in a sandbox."""


Look = Callable[[Detail], list[EndpointStats]]


def watch_stats(look: Look, interval: float, detail: Detail) -> AsyncGenerator[Sample, None]:
    """See :meth:`Controller.watch_stats`."""
    if isinstance(interval, bool) or not isinstance(interval, (int, float)):
        raise wrong("interval", "float", interval)
    if not 0 < interval < math.inf:
        raise BadRequestError(f"watch statistics every {interval} s: it is above 0", operation="watch statistics")
    return _samples(look, interval, detail)


async def _samples(look: Look, interval: float, detail: Detail) -> AsyncGenerator[Sample, None]:
    due = time.monotonic()
    while True:
        try:
            yield await asyncio.to_thread(_sample, look, detail)
        except ClosedError:
            return
        due = next_due(due, time.monotonic(), interval)
        await asyncio.sleep(due - time.monotonic())


def next_due(due: float, now: float, interval: float) -> float:
    """The first time after now that is a whole number of intervals after another; all in seconds."""
    return due + interval * ((now - due) // interval + 1)


def _sample(look: Look, detail: Detail) -> Sample:
    now = time.monotonic()
    stats = {(each.network, each.endpoint): each.stats for each in look(detail)}
    return Sample(now, MappingProxyType(stats))
