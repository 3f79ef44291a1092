"""The namespaces of a container."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union

from .. import _netns
from .._convert import converted
from .._values import Value, to_json, value
from ._document import Word


class NamespaceType(Word):
    """A type of namespace; see :manpage:`namespaces(7)`."""

    NEWCGROUP = "NEWCGROUP"
    """The root of the control groups."""
    NEWIPC = "NEWIPC"
    """System V IPC and POSIX message queues."""
    NEWNET = "NEWNET"
    """Links, addresses, routes, sockets."""
    NEWNS = "NEWNS"
    """Mounts."""
    NEWPID = "NEWPID"
    """Numbers of processes."""
    NEWTIME = "NEWTIME"
    """The clocks that count from the boot."""
    NEWUSER = "NEWUSER"
    """Users, groups and capabilities."""
    NEWUTS = "NEWUTS"
    """The names of host and domain."""

    @property
    def clone_flag(self) -> int:
        """Its flag of unshare(2), ``CLONE_NEWNET``."""
        return _flags[self]


_known = _netns.namespace_types()
_flags = {NamespaceType(name): flag for name, _, flag in _known}
_files = {NamespaceType(name): file for name, file, _ in _known}


def namespace_types() -> tuple[NamespaceType, ...]:
    """All types, in the order in which a process should enter them: users first, since what comes after may need the
    privileges there."""
    return tuple(_files)


def ns_name(type: Union[NamespaceType, str]) -> str:
    """The file of a type in ``/proc/PID/ns``: ``net`` for ``NEWNET``, ``mnt`` for ``NEWNS``.

    :raises BadRequestError: there is no such type.
    """
    return _files[_type(type)]


def is_namespace_supported(type: Union[NamespaceType, str]) -> bool:
    """Whether this kernel has namespaces of a type.

    :raises BadRequestError: there is no such type.
    """
    return _netns.is_namespace_supported(_type(type).value)


@value
class Namespace(Value):
    """A namespace of a container."""

    type: NamespaceType
    path: str = ""
    """Where the one to join is, ``/proc/1/ns/net``; empty for a new one."""


class Namespaces(tuple[Namespace, ...]):
    """The namespaces of a container, one of each type at most. :meth:`Config.check` refuses two of one type, of which
    the first counts here."""

    __slots__ = ()

    def __new__(cls, all: Iterable[Namespace] = ()) -> Namespaces:
        """Of namespaces, or of mappings with their fields."""
        return super().__new__(cls, converted(tuple[Namespace, ...], all, "Namespaces"))

    def with_namespace(self, type: Union[NamespaceType, str], path: str = "") -> Namespaces:
        """These and one more, or these with another path where that type is; an empty path means a new one."""
        added = Namespace(_type(type), path)
        if added.type not in self._types():
            return Namespaces([*self, added])
        at = self._types().index(added.type)
        return Namespaces([*self[:at], added, *self[at + 1 :]])

    def without(self, type: Union[NamespaceType, str]) -> Namespaces:
        """These but for the one of that type; the same when there is none."""
        there = self.get(type)
        return Namespaces(each for each in self if each is not there)

    def get(self, type: Union[NamespaceType, str]) -> Namespace | None:
        """The one of that type; None when there is none."""
        wanted = _type(type)
        return next((each for each in self if each.type is wanted), None)

    def contains(self, type: Union[NamespaceType, str]) -> bool:
        """Whether there is one of that type."""
        return self.get(type) is not None

    def path_of(self, type: Union[NamespaceType, str]) -> str:
        """The path of the one of that type; empty when it is a new one, and when there is none."""
        there = self.get(type)
        return "" if there is None else there.path

    def is_private(self, type: Union[NamespaceType, str]) -> bool:
        """Whether the container has a new one of that type."""
        there = self.get(type)
        return there is not None and not there.path

    def clone_flags(self) -> int:
        """The flags of unshare(2) of all that are new, those with a path left out. ``CLONE_NEWTIME``, 0x80, is not for
        clone(2), which would take it for a signal."""
        return _netns.clone_flags(to_json(self))

    def _types(self) -> list[NamespaceType]:
        return [each.type for each in self]

    def __repr__(self) -> str:
        return f"Namespaces({list(self)!r})"


def _type(type: Union[NamespaceType, str]) -> NamespaceType:
    known: NamespaceType = converted(NamespaceType, type, "type of namespace")
    return known
