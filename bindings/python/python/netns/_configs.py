"""What callers ask of a controller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any

from . import _netns
from ._errors import BadRequestError
from ._interfaces import Destination, Neighbour, StaticRoute
from ._values import NOTHING, Value, from_wire, value
from ._words import FirewallMode, GatewayMode, Isolate, Protocol

if TYPE_CHECKING:
    from . import _given as given


@value
class PortRange(Value):
    """Ports from ``first`` to ``last``, 1 to 65,535; ``last`` is ``first`` where it is not given. A number or the text
    ``"8000-8010"`` can take its place."""

    first: int
    last: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.last == 0:
            object.__setattr__(self, "last", self.first)
        if not 1 <= self.first <= self.last <= 65535:
            raise BadRequestError(f"use ports {self.first}-{self.last}: they are 1 to 65535, in order", operation="use")

    @classmethod
    def _from_text(cls, text: str) -> PortRange:
        first, _, last = text.partition("-")
        try:
            return cls(int(first), int(last or first))
        except ValueError:
            raise BadRequestError(f"use ports {text!r}: they are 80 or 8000-8010", operation="use") from None

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@value
class PortMapping(Value):
    """One published port, or several in a row: what comes to the host's is the endpoint's.

    The text of Docker's ``-p`` can take its place: ``"80"``, ``"8080:80"``, ``"127.0.0.1:8080:80/udp"``,
    ``"[::1]::80/sctp"``.
    """

    ports: PortRange
    """The endpoint's ports."""
    host_ports: PortRange | None = None
    """As many of the host's; chosen when None."""
    protocol: Protocol = Protocol.TCP
    host: IPv4Address | IPv6Address | None = None
    """The address of the host; all of the endpoint's families when None."""

    if TYPE_CHECKING:

        def __init__(
            self,
            ports: given.APortRange,
            host_ports: given.APortRange | None = None,
            protocol: Protocol | str = Protocol.TCP,
            host: given.Address | None = None,
        ) -> None: ...

    @classmethod
    def parse(cls, text: str) -> PortMapping:
        """The mapping of that text.

        :raises BadRequestError: it is none.
        """
        return from_wire(cls, json.loads(_netns.port_mapping(text)))

    @classmethod
    def _from_text(cls, text: str) -> PortMapping:
        return cls.parse(text)


@value
class SubnetConfig(Value):
    """One subnet of a network."""

    subnet: IPv4Network | IPv6Network
    gateway: IPv4Address | IPv6Address | None = None
    """The first free address when None."""
    range: IPv4Network | IPv6Network | None = None
    """From where endpoints get their addresses; all of the subnet when None."""
    auxiliary: Mapping[str, IPv4Address | IPv6Address] = NOTHING
    """Addresses that others have, by their names: they are never given out."""
    pool_id: str | None = None
    """What the address management calls the pool, where it is not the library's own."""
    address_space: str | None = None
    """The address space of the pool, where it is not ``LocalDefault``."""

    if TYPE_CHECKING:

        def __init__(
            self,
            subnet: given.Net,
            gateway: given.Address | None = None,
            range: given.Net | None = None,
            auxiliary: Mapping[str, given.Address] = NOTHING,
            pool_id: str | None = None,
            address_space: str | None = None,
        ) -> None: ...

    @classmethod
    def _from_text(cls, text: str) -> SubnetConfig:
        return from_wire(cls, {"subnet": text})


@value
class FirewallConfig(Value):
    """What stands between a network and everything else."""

    mode: FirewallMode = FirewallMode.REQUIRED
    gateway_mode: GatewayMode = GatewayMode.NAT
    masquerade: bool = True
    """What leaves the network has the address of the host's interface."""
    source: tuple[IPv4Address | IPv6Address, ...] = ()
    """Addresses, at most one of each family, that take the place of the interface's when packets leave."""
    isolate: Isolate = Isolate.ON
    icc: bool = True
    """The network's endpoints may reach one another."""
    anti_spoofing: bool = True
    """An endpoint can send from its own addresses alone."""

    if TYPE_CHECKING:

        def __init__(
            self,
            mode: FirewallMode | str = FirewallMode.REQUIRED,
            gateway_mode: GatewayMode | str = GatewayMode.NAT,
            masquerade: bool = True,
            source: Iterable[given.Address] = (),
            isolate: Isolate | str = Isolate.ON,
            icc: bool = True,
            anti_spoofing: bool = True,
        ) -> None: ...


@value
class NetworkConfig(Value):
    """A network's definition."""

    _whole = True

    name: str
    """Unique on the host: at most 64 bytes, without ``/``, ``..`` and a leading ``-``."""
    type: str = "bridge"
    """``bridge``, ``routed``, ``macvlan``, ``host``, ``null``, ``loopback``, or one that was registered."""
    subnets: tuple[SubnetConfig, ...] = ()
    """At most one of each family; a family that is wanted and has none gets one from the default pools."""
    ipv4: bool = True
    ipv6: bool = False
    internal: bool = False
    """It has no way out: its endpoints get no default gateway."""
    meter: bool = True
    """The interfaces of its endpoints are metered, where bpf is permitted."""
    firewall: FirewallConfig = FirewallConfig()
    ipam: str = "default"
    """Who gives out its addresses: ``default``; ``static``, nobody, so that they are the caller's
    choice; or one that was registered."""
    ipam_options: Mapping[str, str] = NOTHING
    options: Mapping[str, Any] = NOTHING
    """Options of the driver, of any JSON type."""
    labels: Mapping[str, str] = NOTHING

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            type: str = "bridge",
            subnets: Iterable[given.ASubnet] = (),
            ipv4: bool = True,
            ipv6: bool = False,
            internal: bool = False,
            meter: bool = True,
            firewall: given.AFirewall = FirewallConfig(),
            ipam: str = "default",
            ipam_options: Mapping[str, str] = NOTHING,
            options: Mapping[str, Any] = NOTHING,
            labels: Mapping[str, str] = NOTHING,
        ) -> None: ...


@value
class EndpointConfig(Value):
    """What an endpoint of a controller's network is to be."""

    name: str
    """Unique in the network: a container's id, say."""
    destination: Destination | None = None
    """What the interface is called in the sandbox; the driver's prefix and the next free number when None."""
    address: IPv4Address | None = None
    """The IPv4 address that is wanted; the next free one when None."""
    address_ipv6: IPv6Address | None = None
    mac: str | None = None
    """Hardware address, ``"02:42:0a:01:00:05"``; random when None."""
    mtu: int | None = None
    """In bytes, 68 to 65,535; the network's when None."""
    aliases: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = NOTHING
    """Settings of the interface, ``net.ipv4.conf.IFNAME.log_martians`` and the like."""
    routes: tuple[StaticRoute, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    default_route: bool = True
    """The network's gateways may become the sandbox's."""
    gateway_priority: int = 0
    """Of a sandbox's endpoints the one with the highest gives the default gateway."""
    meter: bool | None = None
    """As the network says when None."""
    ports: tuple[PortMapping, ...] = ()
    """Ports of the host that are to be its own."""
    options: Mapping[str, Any] = NOTHING
    labels: Mapping[str, str] = NOTHING

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            destination: given.ADestination | None = None,
            address: given.Address4 | None = None,
            address_ipv6: given.Address6 | None = None,
            mac: str | None = None,
            mtu: int | None = None,
            aliases: Iterable[str] = (),
            sysctls: Mapping[str, str] = NOTHING,
            routes: Iterable[given.ARoute] = (),
            neighbours: Iterable[given.ANeighbour] = (),
            default_route: bool = True,
            gateway_priority: int = 0,
            meter: bool | None = None,
            ports: Iterable[given.APort] = (),
            options: Mapping[str, Any] = NOTHING,
            labels: Mapping[str, str] = NOTHING,
        ) -> None: ...
