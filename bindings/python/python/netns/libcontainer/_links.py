"""Links of the calling thread's network namespace, changed one by one.

Each function does one thing to a device, or nothing: what fails has changed nothing. A device is found by its name as
it is at that moment. Nothing is brought up or down, renamed or moved that was not said to be.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, Protocol, Union

from .. import _netns
from .._convert import within

_HIGHEST = 2**31 - 1


class HasFileno(Protocol):
    """A file, or a :class:`netns.Namespace`."""

    def fileno(self) -> int:
        """Its descriptor."""
        ...


def change_interface_name(old: str, new: str) -> None:
    """Renames a link; to its own name is no error. Before Linux 6.2 it must be down.

    :raises NotFoundError: there is no link ``old``.
    :raises AlreadyExistsError: ``new`` is taken.
    :raises BusyError: it is up, and the kernel minds.
    """
    _netns.change_interface_name(old, new)


def create_veth_pair(name1: str, name2: str) -> None:
    """Makes a pair of connected interfaces, both down, with one queue each.

    :raises AlreadyExistsError: a name is taken.
    :raises BadRequestError: both are the same, or one cannot be a name.
    """
    _netns.create_veth_pair(name1, name2)


def interface_up(name: str) -> None:
    """Brings a link up; one that is up is no error.

    :raises NotFoundError: there is no such link.
    """
    _netns.interface_up(name)


def interface_down(name: str) -> None:
    """Takes a link down; one that is down is no error. The kernel removes the routes through it, and unless its
    settings say otherwise its IPv6 addresses.

    :raises NotFoundError: there is no such link.
    """
    _netns.interface_down(name)


def set_default_gateway(gateway: IPv4Address | IPv6Address | str, interface: str) -> None:
    """Adds the default route of the gateway's family through an interface. It takes nobody's place.

    :raises NotFoundError: there is no such link.
    :raises AlreadyExistsError: there is a default route of that metric, 0 for IPv4 and 1024 for IPv6.
    :raises BadRequestError: it is no unicast address of a host, not directly reachable, or the link is down.
    """
    _netns.set_default_gateway(_text("gateway", gateway, (IPv4Address, IPv6Address)), interface)


def set_interface_ip(name: str, address: IPv4Interface | IPv6Interface | str) -> None:
    """Adds an address with the length of its prefix, ``"10.1.0.2/16"``, beside those that a link has. IPv6 is added
    without duplicate address detection.

    :raises NotFoundError: there is no such link.
    :raises AlreadyExistsError: it has the address.
    :raises BadRequestError: it is no unicast address, or has no length.
    :raises PermissionDeniedError: IPv6 is off on the link, or without ``CAP_NET_ADMIN``.
    """
    _netns.set_interface_ip(name, _text("address", address, (IPv4Interface, IPv6Interface)))


def set_interface_master(name: str, master: str) -> None:
    """Makes a link a port of a bridge; one that is a port of it is no error.

    :raises NotFoundError: there is no such link, or no such bridge.
    :raises BadRequestError: ``master`` is no bridge, or the link is one itself or ``lo``.
    :raises BusyError: it is a port of something else.
    :raises ResourceExhaustedError: the bridge is full.
    """
    _netns.set_interface_master(name, master)


def set_mtu(name: str, mtu: int) -> None:
    """Sets a link's MTU, in bytes.

    :raises NotFoundError: there is no such link.
    :raises BadRequestError: it cannot have that MTU.
    """
    _netns.set_mtu(name, within("mtu", mtu, 0, _HIGHEST))


def set_interface_in_namespace_fd(name: str, fd: Union[int, HasFileno]) -> None:
    """Moves a link to the network namespace of a descriptor, under the name that it has. On the way the kernel takes it
    down, off its bridge, and its addresses and routes away. The thread does not enter the namespace.

    :param fd: its number, or what has a ``fileno()``, as :class:`netns.Namespace` and open files do
    :raises NotFoundError: there is no such link, or no such descriptor.
    :raises AlreadyExistsError: its name is taken there.
    :raises BadRequestError: the descriptor is of no network namespace, or the link cannot move, as ``lo``.
    :raises PermissionDeniedError: without ``CAP_NET_ADMIN`` over the namespace.
    """
    number: Any = fd.fileno() if hasattr(fd, "fileno") else fd
    _netns.set_interface_in_namespace_fd(name, within("fd", number, 0, _HIGHEST))


def set_interface_in_namespace_pid(name: str, pid: int) -> None:
    """Moves a link to the network namespace of a process, as :func:`set_interface_in_namespace_fd` does.

    :raises NotFoundError: there is no such link, no such process, or it has ended.
    :raises AlreadyExistsError: its name is taken there.
    """
    _netns.set_interface_in_namespace_pid(name, within("pid", pid, 1, 2**32 - 1))


def _text(what: str, value: object, kinds: tuple[type, ...]) -> str:
    if type(value) in kinds or isinstance(value, str):
        return str(value)
    raise TypeError(f"{what}: {' or '.join(kind.__name__ for kind in kinds)} expected, not {type(value).__name__}")
