"""What hooks are told of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import _netns
from .._values import NOTHING, to_wire, value
from ._document import Document, Word


class Status(Word):
    """Where in its life a container is."""

    CREATED = "created"
    """All is made, the user's program not started."""
    CREATING = "creating"
    """It is being made."""
    RUNNING = "running"
    """The user's program runs."""
    STOPPED = "stopped"
    """Its process has ended."""


_KNOWN = {each.value: each for each in Status}


@value
class State(Document):
    """The state of a container, of the OCI runtime specification: what a hook gets on its standard input."""

    _kind = "state"

    id: str
    """The container's id."""
    status: str = Status.CREATING
    """A :class:`Status`, or a runtime's own word, such as ``paused``."""
    pid: int = 0
    """The container's process in the runtime's PID namespace; 0 when there is none."""
    bundle: str = ""
    """The absolute path of the container's bundle."""
    annotations: Mapping[str, str] = NOTHING
    """What the config says beyond the specification."""
    oci_version: str = _netns.OCI_VERSION
    """The version of the specification; ``ociVersion`` in JSON."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "status", _KNOWN.get(self.status, self.status))

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Mapping[str, Any]:
        return {**data, "oci_version": data["ociVersion"]}

    def _wire(self) -> dict[str, Any]:
        return {**super()._wire(), "status": to_wire(self.status), "ociVersion": self.oci_version}
