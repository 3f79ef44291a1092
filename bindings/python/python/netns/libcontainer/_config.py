"""The whole of a config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import TYPE_CHECKING, Any

from .. import _netns
from .._values import Value, from_json, to_json, value
from ._document import Document, addresses_are_texts
from ._hooks import Hooks
from ._namespaces import Namespaces

if TYPE_CHECKING:
    from .. import _given as given
    from ._namespaces import Namespace


@value
class ParsedNetwork(Value):
    """A :class:`Network` whose values were checked; None is what was not said."""

    name: str | None = None
    bridge: str | None = None
    mac_address: str | None = None
    address: IPv4Interface | None = None
    gateway: IPv4Address | None = None
    ipv6_address: IPv6Interface | None = None
    ipv6_gateway: IPv6Address | None = None
    mtu: int | None = None
    """In bytes."""
    txqueuelen: int | None = None
    """In packets."""
    host_interface_name: str | None = None
    hairpin_mode: bool = False


@value
class Network(Value):
    """A network that a container is to have. Empty texts and 0 stand for what is not said.

    Addresses may be objects of :mod:`ipaddress`, and become texts.
    """

    type: str = ""
    """The strategy that makes it, such as ``veth`` and ``loopback``."""
    name: str = ""
    """What the interface is called inside the container; ``eth0`` when this is empty."""
    bridge: str = ""
    """The bridge that it is on."""
    mac_address: str = ""
    """The interface's hardware address, ``"02:42:0a:01:00:02"``."""
    address: str = ""
    """The interface's IPv4 address with the length of its prefix, ``"10.1.0.2/16"``."""
    gateway: str = ""
    """The gateway of the IPv4 default route through it."""
    ipv6_address: str = ""
    """The interface's IPv6 address with the length of its prefix."""
    ipv6_gateway: str = ""
    """The gateway of the IPv6 default route through it."""
    mtu: int = 0
    """In bytes, of both ends of a pair; 0 leaves it alone. Not for ``loopback``."""
    txqueuelen: int = 0
    """The transmit queue in packets of both ends of a pair; 0 leaves it alone. Not for ``loopback``."""
    host_interface_name: str = ""
    """What the host's end of a pair is called."""
    hairpin_mode: bool = False
    """Whether the bridge may send frames back through the port that they came by. Not for ``loopback``."""

    if TYPE_CHECKING:

        def __init__(
            self,
            type: str = "",
            name: str = "",
            bridge: str = "",
            mac_address: str = "",
            address: given.Own4 = "",
            gateway: given.Address4 = "",
            ipv6_address: given.Own6 = "",
            ipv6_gateway: given.Address6 = "",
            mtu: int = 0,
            txqueuelen: int = 0,
            host_interface_name: str = "",
            hairpin_mode: bool = False,
        ) -> None: ...

    def __post_init__(self) -> None:
        addresses_are_texts(self, "address", "gateway", "ipv6_address", "ipv6_gateway")
        super().__post_init__()

    def parsed(self) -> ParsedNetwork:
        """The values, each checked and with one another: a gateway is in the subnet of its family's address, and IPv6
        has an MTU of 1280 at least. Of a loopback nothing but the name counts.

        :raises BadRequestError: one breaks a rule.
        """
        return from_json(ParsedNetwork, _netns.parsed_network(to_json(self)))


@value
class ParsedRoute(Value):
    """A :class:`Route` whose values were checked."""

    destination: IPv4Network | IPv6Network
    """Without the bits beyond its prefix; everywhere, in the route's family, where that was not said."""
    source: IPv4Interface | IPv6Interface | None
    gateway: IPv4Address | IPv6Address | None
    interface_name: str


@value
class Route(Value):
    """A route that a container is to have. Of destination, source and gateway at least one is there, and all that are
    there are of one family. Addresses may be objects of :mod:`ipaddress`, and become texts."""

    destination: str = ""
    """Where it leads, ``"10.2.0.0/16"``."""
    source: str = ""
    """The source address, with or without the length of its prefix, which does not count."""
    gateway: str = ""
    """The address of the gateway."""
    interface_name: str = ""
    """The interface inside the container that it goes through."""

    if TYPE_CHECKING:

        def __init__(
            self,
            destination: given.Net = "",
            source: given.Own | given.Address = "",
            gateway: given.Address = "",
            interface_name: str = "",
        ) -> None: ...

    def __post_init__(self) -> None:
        addresses_are_texts(self, "destination", "source", "gateway")
        super().__post_init__()

    def parsed(self) -> ParsedRoute:
        """The values, checked.

        :raises BadRequestError: a value is none, all three are missing or of both families, the gateway is no unicast
            address, there is no interface.
        """
        return from_json(ParsedRoute, _netns.parsed_route(to_json(self)))


@value
class Config(Document):
    """What a process inside a container is to have around it."""

    _kind = "config"

    parent_death_signal: int = 0
    """The signal that the container's process gets when its parent dies; 0 for none."""
    rootfs: str = ""
    """The directory that is the container's root filesystem."""
    namespaces: Namespaces = Namespaces()
    """Those of its own, or that it joins; of a type that is not there it has its parent's."""
    networks: tuple[Network, ...] = ()
    """What its network is made of, in this order."""
    routes: tuple[Route, ...] = ()
    """Routes inside it, in this order, when all networks are up."""
    apparmor_profile: str = ""
    """The AppArmor profile of its process."""
    process_label: str = ""
    """The label of its process, as SELinux uses it."""
    hooks: Hooks = Hooks()
    """What runs at the turning points of its life; ``Hooks`` in JSON, which has commands alone."""
    version: str = ""
    """The version of the OCI runtime specification that is meant."""
    labels: tuple[str, ...] = ()
    """What users say of it, ``KEY=VALUE`` by custom."""

    if TYPE_CHECKING:

        def __init__(
            self,
            parent_death_signal: int = 0,
            rootfs: str = "",
            namespaces: Iterable[Namespace | given.Fields] = Namespaces(),
            networks: Iterable[Network | given.Fields] = (),
            routes: Iterable[Route | given.Fields] = (),
            apparmor_profile: str = "",
            process_label: str = "",
            hooks: Hooks | Mapping[str, Any] = Hooks(),
            version: str = "",
            labels: Iterable[str] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "namespaces", Namespaces(self.namespaces))
        if isinstance(self.hooks, Mapping):
            object.__setattr__(self, "hooks", Hooks(**self.hooks))
        super().__post_init__()

    def check(self) -> None:
        """Finds what cannot be right in namespaces, networks, routes and hooks, and touches nothing. It does not ask
        whether there is a strategy for a network's type.

        :raises BadRequestError: with the place in the config and the rule that it breaks.
        """
        _netns.check_config(self._text(), self.hooks._given())

    def to_json(self) -> str:
        """The JSON that Go's ``encoding/json`` writes. Hooks that are functions are left out, with a warning in the
        log.

        :raises BadRequestError: a number is greater, or a text other, than JSON or the core can hold.
        """
        return _netns.config_to_json(self._text(), self.hooks._given())

    @classmethod
    def _read(cls, data: dict[str, Any]) -> Mapping[str, Any]:
        return {**data, "hooks": Hooks._of(data["Hooks"])}
