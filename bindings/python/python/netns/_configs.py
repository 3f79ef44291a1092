"""What callers ask for."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any

from . import _netns
from ._errors import BadRequestError
from ._values import NOTHING, Value, from_wire, value


class Lifetime(str, enum.Enum):
    """How long what a controller makes lasts when its process ends without taking it down."""

    HOST = "host"
    """Until it is deleted, or the host restarts."""
    PROCESS = "process"
    """As long as the process that made it."""


class FirewallMode(str, enum.Enum):
    """What becomes of a network where the kernel has no nf_tables, or the process no right to them."""

    REQUIRED = "required"
    """It is an error, before anything is made."""
    OPTIONAL = "optional"
    """The network does without, and the log says so."""
    OFF = "off"
    """The network has none, whatever the kernel has."""


class GatewayMode(str, enum.Enum):
    """How a network and the outside reach each other."""

    NAT = "nat"
    """By the host's addresses: out by masquerade, in by published ports."""
    ROUTED = "routed"
    """By the endpoints' own addresses; of their ports those that are published are open."""
    ISOLATED = "isolated"
    """Not at all."""


class Isolate(str, enum.Enum):
    """Who of this library's other networks may reach a network's endpoints."""

    OFF = "off"
    """They reach each other."""
    ON = "on"
    """They reach each other's published ports alone."""
    STRICT = "strict"
    """They do not reach each other."""


class Protocol(str, enum.Enum):
    """A transport protocol with ports."""

    SCTP = "sctp"
    TCP = "tcp"
    UDP = "udp"


class Detail(str, enum.Enum):
    """How much of the statistics is wanted."""

    FAST = "fast"
    """Bytes and packets, without a question to the kernel where the interface is metered."""
    FULL = "full"
    """Errors and drops, too."""


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


@value
class Neighbour(Value):
    """A permanent entry of the ARP or neighbour table."""

    address: IPv4Address | IPv6Address
    mac: str


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
    """Who gives out its addresses: ``default``, or one that was registered."""
    ipam_options: Mapping[str, str] = NOTHING
    options: Mapping[str, Any] = NOTHING
    """Options of the driver, of any JSON type."""
    labels: Mapping[str, str] = NOTHING


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

    @property
    def name(self) -> str | None:
        """Its name in the sandbox, where it is settled: in what a sandbox lists it always is."""
        return self.destination.name
