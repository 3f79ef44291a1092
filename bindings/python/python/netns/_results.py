"""What the core tells."""

from __future__ import annotations

import datetime
import enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)

from ._configs import EndpointConfig, NetworkConfig, PortMapping
from ._interfaces import Interface, StaticRoute
from ._values import Lazy, Value, value


@value
class SlotId(Value):
    """A slot of the counters during one of its lives."""

    slot: int
    """1 to 65,535."""
    life: int
    """Slots are used again."""


@value
class SlotOwner(Value):
    """Whose a slot of the counters is."""

    namespace: int
    """The network namespace in which the host's end is: its cookie (``SO_NETNS_COOKIE``), before Linux 5.14 the number
    of its file with the highest bit set."""
    index: int
    """The ``ifindex`` of the link that is metered."""
    mark: int
    """The first eight hexadecimal digits of the mark of the controller's run directory; 0 for a link that
    :meth:`Meter.attach` took."""
    digest: int
    """FNV-1a of ``NETWORK/ENDPOINT``; 0 for a link that was attached."""
    inside: bool
    """The link is in the sandbox; otherwise it is the host's end, and what it receives the sandbox has sent."""


@value
class Endpoint(Lazy):
    """An endpoint of a network, and where it is."""

    network: str
    config: EndpointConfig
    """What was asked for."""
    address: IPv4Interface | None
    address_ipv6: IPv6Interface | None
    mac: str | None
    sandbox: str | None
    """The path of the sandbox that it joined."""
    linked: bool
    """:meth:`Controller.link` made its devices, for its caller to move."""
    meter: SlotId | None
    """Where its interface is counted; None when it is not metered."""
    ports: tuple[PortMapping, ...]
    """The ports of the host that are its own."""
    interface: Interface | None
    """From the call that joined it; None on a network without devices."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.config.name


@value
class SubnetUsage(Value):
    """How much of a subnet is in use."""

    subnet: IPv4Network | IPv6Network
    used: int
    """Addresses in use, gateways and auxiliary ones too."""


@value
class NetworkDetails(NetworkConfig):
    """A network with its endpoints."""

    endpoints: tuple[Endpoint, ...] = ()
    usage: tuple[SubnetUsage, ...] = ()


@value
class ListedNetwork(Value):
    """A network of :meth:`Controller.networks`."""

    name: str
    config: NetworkConfig | None = None
    """None where its file cannot be used."""
    error: str | None = None
    """Why it cannot."""


@value
class SandboxDetails(Value):
    """A sandbox with its endpoints."""

    path: str
    endpoints: tuple[Endpoint, ...] = ()


@value
class Info(Value):
    """Everything that a sandbox holds."""

    interfaces: tuple[Interface, ...] = ()
    """``lo`` never; in the order of their names."""
    gateway: IPv4Address | None = None
    gateway_ipv6: IPv6Address | None = None
    routes: tuple[StaticRoute, ...] = ()
    """Static routes that this library added."""


@value
class Finding(Value):
    """One thing that was not as it should be."""

    kind: str
    object: str
    """Which one: a name or a path."""
    reason: str
    """What is wrong with it, and what becomes of it."""
    error: str | None = None
    """Why it could not be put right."""


@value
class FoundPlugin(Value):
    """A plugin that is there; whether it answers is not known."""

    name: str
    """The type of network that it drives, or the address management that it is."""
    path: str
    """Its socket or spec file."""
    address: str | None = None
    """Where it is, as a URL; None when its spec file cannot be used."""
    error: str | None = None
    """What is wrong with its spec file."""


@value
class Counters(Value):
    """What an interface has received and sent, as its sandbox sees it, since it is metered."""

    rx_bytes: int = 0
    rx_packets: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0


@value
class Rate(Value):
    """What an interface has received and sent a second, as its sandbox sees it."""

    rx_bytes: float = 0.0
    rx_packets: float = 0.0
    tx_bytes: float = 0.0
    tx_packets: float = 0.0


@value
class Stats(Value):
    """The statistics of an interface as its sandbox sees it: bytes and packets."""

    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class Source(str, enum.Enum):
    """Where bytes and packets come from."""

    COUNTERS = "counters"
    """The counters of this library."""
    KERNEL = "kernel"
    """The kernel's own, since the interface is not metered."""


@value
class EndpointStats(Value):
    """The statistics of an endpoint's interface."""

    network: str
    endpoint: str
    stats: Stats
    source: Source


class EventKind(str, enum.Enum):
    """What an event is about."""

    COLLECTED = "collected"
    ENDPOINT_CREATED = "endpoint_created"
    ENDPOINT_DELETED = "endpoint_deleted"
    ENDPOINT_JOINED = "endpoint_joined"
    ENDPOINT_LEFT = "endpoint_left"
    NETWORK_CREATED = "network_created"
    NETWORK_DELETED = "network_deleted"
    SANDBOX_CREATED = "sandbox_created"
    SANDBOX_DESTROYED = "sandbox_destroyed"


@value
class Event(Value):
    """Something that happened to a network, an endpoint or a sandbox, after it did."""

    time_ms: int
    """When, in milliseconds since 1970 in UTC."""
    kind: EventKind
    process: int
    """The number of the process that did it."""
    network: str | None = None
    endpoint: str | None = None
    sandbox: str | None = None
    """The path of the sandbox."""
    missed: int = 0
    """How many events this listener could not take since the one before."""

    @property
    def time(self) -> datetime.datetime:
        """When, in UTC."""
        return datetime.datetime.fromtimestamp(self.time_ms / 1000, datetime.timezone.utc)
