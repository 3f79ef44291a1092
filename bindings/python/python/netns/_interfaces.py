"""Interfaces, and what a caller asks of the foundation."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import TYPE_CHECKING

from ._errors import BadRequestError
from ._values import Value, value

if TYPE_CHECKING:
    from . import _given as given


@value
class Destination(Value):
    """What an interface is called in its sandbox: exactly ``name``, or ``prefix`` and the next free number. Text in its
    place is a name."""

    name: str | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.name is None) == (self.prefix is None):
            raise BadRequestError("use Destination: it is either a name or a prefix", operation="use")

    @classmethod
    def _from_text(cls, text: str) -> Destination:
        return cls(name=text)


ETH = Destination(prefix="eth")


@value
class StaticRoute(Value):
    """A route; without ``next_hop`` it is bound to the interface."""

    destination: IPv4Network | IPv6Network
    next_hop: IPv4Address | IPv6Address | None = None

    if TYPE_CHECKING:

        def __init__(self, destination: given.Net, next_hop: given.Address | None = None) -> None: ...


@value
class Neighbour(Value):
    """A permanent entry of the ARP or neighbour table."""

    address: IPv4Address | IPv6Address
    mac: str

    if TYPE_CHECKING:

        def __init__(self, address: given.Address, mac: str) -> None: ...


@value
class NetworkOptions(Value):
    """What a :class:`Network` of the foundation is to be."""

    bridge: str | None = None
    """Made when it is missing; ``br-`` and the network's name when None."""
    gateway: IPv4Interface | None = None
    """An address of the bridge, in the subnet of the endpoints."""
    gateway_ipv6: IPv6Interface | None = None
    mtu: int | None = None
    """In bytes."""
    mac: str | None = None
    hairpin: bool = False
    """Frames may leave through the port that they came in by."""
    isolated: bool = False
    """Endpoints reach the host and not one another."""
    multicast_snooping: bool = False
    tx_queue_len: int | None = None
    """Of the endpoints, in packets; the kernel's 1000 when None."""

    if TYPE_CHECKING:

        def __init__(
            self,
            bridge: str | None = None,
            gateway: given.Own4 | None = None,
            gateway_ipv6: given.Own6 | None = None,
            mtu: int | None = None,
            mac: str | None = None,
            hairpin: bool = False,
            isolated: bool = False,
            multicast_snooping: bool = False,
            tx_queue_len: int | None = None,
        ) -> None: ...


@value
class EndpointOptions(Value):
    """What an endpoint of a :class:`Network` of the foundation is to be: the caller chooses its addresses."""

    name: str
    destination: Destination = ETH
    address: IPv4Interface | None = None
    """With its prefix length: ``"10.1.0.5/24"``."""
    address_ipv6: IPv6Interface | None = None
    mac: str | None = None
    mtu: int | None = None
    routes: tuple[StaticRoute, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    default_route: bool = True
    hairpin: bool | None = None
    isolated: bool | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            destination: given.ADestination = ETH,
            address: given.Own4 | None = None,
            address_ipv6: given.Own6 | None = None,
            mac: str | None = None,
            mtu: int | None = None,
            routes: Iterable[given.ARoute] = (),
            neighbours: Iterable[given.ANeighbour] = (),
            default_route: bool = True,
            hairpin: bool | None = None,
            isolated: bool | None = None,
        ) -> None: ...


@value
class Interface(Value):
    """A network device and its settings in a sandbox."""

    _whole = True

    src_name: str
    """Its name in the namespace that it comes from and goes back to."""
    destination: Destination = ETH
    mac: str | None = None
    address: IPv4Interface | None = None
    address_ipv6: IPv6Interface | None = None
    gateway: IPv4Address | None = None
    gateway_ipv6: IPv6Address | None = None
    mtu: int | None = None
    routes: tuple[StaticRoute, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            src_name: str,
            destination: given.ADestination = ETH,
            mac: str | None = None,
            address: given.Own4 | None = None,
            address_ipv6: given.Own6 | None = None,
            gateway: given.Address4 | None = None,
            gateway_ipv6: given.Address6 | None = None,
            mtu: int | None = None,
            routes: Iterable[given.ARoute] = (),
            neighbours: Iterable[given.ANeighbour] = (),
        ) -> None: ...

    @property
    def name(self) -> str | None:
        """Its name in the sandbox, where it is settled: in what a sandbox lists it always is."""
        return self.destination.name
