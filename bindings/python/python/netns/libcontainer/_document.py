"""Values that are JSON documents: written, read and compared as the core does it, which is as Go does."""

from __future__ import annotations

import enum
import ipaddress
import json
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from .. import _netns
from .._values import Value, from_wire, to_wire

D = TypeVar("D", bound="Document")

_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)
"""And what derives from them, the interfaces."""


class Word(str, enum.Enum):
    """One of a few texts, which prints as that."""

    def __str__(self) -> str:
        return str(self.value)


class Document(Value):
    """A struct of the core that has a JSON of its own. Its fields are called as there."""

    _kind: ClassVar[str]
    """What the native module calls it."""

    @classmethod
    def from_json(cls: type[D], text: str) -> D:
        """Reads JSON, of 4 MiB at most; fields that are not known are passed over.

        :raises BadRequestError: it is none, or does not fit; with line and column.
        """
        return cls._of(_netns.normal_json(cls._kind, text))

    def to_json(self) -> str:
        """The JSON that Go's ``encoding/json`` writes.

        :raises BadRequestError: a number is greater, or a text other, than JSON or the core can hold.
        """
        return _netns.normal_json(self._kind, self._text())

    @classmethod
    def _of(cls: type[D], text: str) -> D:
        """Of JSON that the core wrote."""
        return from_wire(cls, cls._read(json.loads(text)))

    def _text(self) -> str:
        """JSON that the core reads."""
        return json.dumps(to_wire(self))

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Mapping[str, Any]:
        """The fields of a document that are called otherwise here."""
        return data


def addresses_are_texts(value: Value, *fields: str) -> None:
    """Has fields hold texts where the caller gave objects of :mod:`ipaddress`."""
    for field in fields:
        own = getattr(value, field)
        if isinstance(own, _ADDRESSES):
            object.__setattr__(value, field, str(own))
