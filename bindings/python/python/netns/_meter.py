"""Counters, read without a system call."""

from __future__ import annotations

import os
from pathlib import Path

from . import _netns
from ._convert import within, wrong
from ._results import Counters, Rate, SlotId, SlotOwner


DIRECTORY = "/sys/fs/bpf/libnetns"


class Snapshot:
    """The counters of all interfaces at one time."""

    def __init__(self, native: _netns.Snapshot) -> None:
        self._native = native

    def rows(self) -> memoryview:
        """As :meth:`Meter.snapshot`."""
        return memoryview(self._native.rows()).cast("Q")

    def rates_since(self, earlier: Snapshot) -> dict[SlotId, Rate]:
        """What happened a second since an earlier snapshot, of the interfaces that both have."""
        if not isinstance(earlier, Snapshot):
            raise TypeError(f"Snapshot expected, not {type(earlier).__name__}")
        rates = self._native.rates_since(earlier._native)
        return {SlotId(slot, life): Rate(*rate) for slot, life, rate in rates}


class Meter:
    """What every interface has received and sent, of all controllers of this host."""

    COLUMNS = ("slot", "life", "digest", "index", "rx_bytes", "rx_packets", "tx_bytes", "tx_packets")
    """Of a row of :meth:`snapshot`. The digest is FNV-1a of ``NETWORK/ENDPOINT``, and the index that of the link that is
    metered."""

    def __init__(self, directory: str | os.PathLike[str] = DIRECTORY, *, slots: int = 4096) -> None:
        """Opens the counters of a directory on a bpf filesystem, making them, with so many slots, when there are none.

        :raises NotImplementedError: the directory is on no bpf filesystem.
        :raises PermissionDeniedError: without the right to use bpf.
        """
        self._native = _netns.Meter.open(Path(directory), within("slots", slots, 1, 65535))

    @classmethod
    def _of(cls, native: _netns.Meter) -> Meter:
        made = object.__new__(cls)
        made._native = native
        return made

    @property
    def slots(self) -> int:
        """How many interfaces can be metered at once."""
        return self._native.slots()

    def read(self, id: SlotId) -> Counters | None:
        """Of one interface, :attr:`Endpoint.meter`; None when the slot is no more its."""
        words = self._native.read(*_slot(id))
        return None if words is None else Counters(*words)

    def snapshot(self) -> memoryview:
        """Of all interfaces at once: rows of eight unsigned 64-bit words, one row an interface, as :attr:`COLUMNS` says.

        It is read-only and flat: ``numpy.frombuffer(snapshot, numpy.uint64).reshape(-1, 8)`` copies nothing.
        """
        return memoryview(self._native.snapshot()).cast("Q")

    def read_all(self) -> Snapshot:
        """Of all interfaces at once, with the time, for rates: bytes and packets a second."""
        return Snapshot(self._native.read_all())

    def owner(self, id: SlotId) -> SlotOwner | None:
        """Whose a slot is; None when its life is over."""
        owner = self._native.owner(*_slot(id))
        return None if owner is None else SlotOwner(*owner)

    def attach(self, link: str) -> SlotId:
        """Meters a link of the calling thread's namespace, until :meth:`detach`.

        :raises NotFoundError: there is no such link.
        :raises AlreadyExistsError: it is metered.
        """
        return SlotId(*self._native.attach(link))

    def detach(self, link: str) -> None:
        """Meters a link no more; one that is gone, or not metered, is no error."""
        self._native.detach(link)

    def release(self, id: SlotId) -> None:
        """Gives back the slot of a link that is gone.

        :raises BusyError: the link is there and counted.
        """
        self._native.release(*_slot(id))


class MeterReader:
    """Counters for whoever may open their pins, and do nothing else with them.

    Who has which slot it learns when it is opened, and by :meth:`refresh`.
    """

    def __init__(self, directory: str | os.PathLike[str] = DIRECTORY) -> None:
        """Opens the counters of a directory.

        :raises NotFoundError: nothing is metered.
        :raises PermissionDeniedError: without the right to open the pins.
        """
        self._native = _netns.MeterReader.open(Path(directory))

    def refresh(self) -> None:
        """Learns who has which slot now, by a system call or two for each."""
        self._native.refresh()

    def snapshot(self) -> memoryview:
        """As :meth:`Meter.snapshot`, of the slots that were known at the last refresh."""
        return memoryview(self._native.snapshot()).cast("Q")

    def read_all(self) -> Snapshot:
        """As :meth:`Meter.read_all`, of the slots that were known at the last refresh."""
        return Snapshot(self._native.read_all())


def _slot(id: SlotId) -> tuple[int, int]:
    if not isinstance(id, SlotId):
        raise wrong("slot", "netns.SlotId", id)
    return within("slot", id.slot, 0, 65535), within("life of a slot", id.life, 0, 2**64 - 1)
