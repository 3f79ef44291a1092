"""Drivers written in Python."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Any, Optional, Union

from . import _netns
from ._convert import converted
from ._errors import missing
from ._interfaces import Neighbour
from ._values import NOTHING, Value, value

Address = Union[IPv4Address, IPv6Address]
Net = Union[IPv4Network, IPv6Network]


class Scope(str, enum.Enum):
    """Of a driver's networks."""

    GLOBAL = "global"
    LOCAL = "local"


@value
class IpamData(Value):
    """A subnet as a driver is told of it."""

    address_space: str = ""
    pool: IPv4Network | IPv6Network | None = None
    gateway: IPv4Interface | IPv6Interface | None = None
    aux_addresses: Mapping[str, IPv4Interface | IPv6Interface] = NOTHING


class Discovery(str, enum.Enum):
    """What drivers of global scope are told of other hosts."""

    NODE = "node"
    """A host of the cluster."""
    DATASTORE_CONFIG = "datastore_config"
    ENCRYPTION_KEYS_CONFIG = "encryption_keys_config"
    ENCRYPTION_KEYS_UPDATE = "encryption_keys_update"


@dataclass(frozen=True)
class CreatedNetwork:
    """What :meth:`Driver.create_network` may answer."""

    plan: _netns.Plan = field(default_factory=_netns.Plan)
    """What is to be done in the host."""
    tables: tuple[str, ...] = ()
    """Tables of the gossip layer that the driver is interested in."""


@value
class EndpointInterface(Value):
    """The addresses of an endpoint's interface."""

    mac: str | None = None
    address: IPv4Interface | None = None
    address_ipv6: IPv6Interface | None = None


@dataclass(frozen=True)
class CreatedEndpoint:
    """What :meth:`Driver.create_endpoint` may answer: what it chooses must be open."""

    mac: str | None = None
    address: IPv4Interface | str | None = None
    address_ipv6: IPv6Interface | str | None = None
    plan: _netns.Plan = field(default_factory=_netns.Plan)


@dataclass(frozen=True)
class Birth:
    """A device that is born in the sandbox, instead of moving there."""

    link: Mapping[str, Any]
    """As in the JSON of a plan's ``create_link``: of a veth the end in the host, whose peer is the end in the sandbox,
    ``{"name": "wire7", "kind": {"veth": {"peer": {}}}, "up": True, "queues": 1}``; the library names the other end."""
    early: _netns.Plan = field(default_factory=_netns.Plan)
    """What follows in the host while the end inside is still down."""
    after: _netns.Plan = field(default_factory=_netns.Plan)
    """What follows in the host when the inside is up."""
    neighbours: tuple[Neighbour, ...] = ()
    host_prefix: bool = False
    """The addresses inside are alone in their subnets."""


class JoinInfo:
    """What a driver says of an endpoint that joins a sandbox.

    It names a device of the host, which then moves in; or it says how one is born there; or neither, and the sandbox
    gets no device.
    """

    def __init__(self, interface: EndpointInterface, mtu: int | None) -> None:
        self.interface = interface
        """Its addresses."""
        self.mtu = mtu
        """What the caller wants, in bytes."""
        self._names: tuple[str, str] | None = None
        self._gateway: IPv4Address | None = None
        self._gateway_ipv6: IPv6Address | None = None
        self._routes: list[tuple[Net, Address | None]] = []
        self._entries: list[tuple[str, str, bytes]] = []
        self._no_gateway_service = False
        self._birth: Birth | None = None

    def set_names(self, src_name: str, prefix: str = "eth") -> None:
        """The device's name in the host, and the prefix of its name in the sandbox."""
        self._names = (src_name, prefix)

    def set_gateway(self, gateway: IPv4Address | str) -> None:
        """The sandbox's IPv4 default gateway."""
        self._gateway = converted(IPv4Address, gateway, "gateway")

    def set_gateway_ipv6(self, gateway: IPv6Address | str) -> None:
        """The sandbox's IPv6 default gateway."""
        self._gateway_ipv6 = converted(IPv6Address, gateway, "gateway")

    def add_static_route(self, destination: Net | str, next_hop: Address | str | None = None) -> None:
        """A route by a next hop, or one that is bound to the interface."""
        hop = converted(Optional[Address], next_hop, "next_hop")
        self._routes.append((converted(Net, destination, "destination"), hop))

    def disable_gateway_service(self) -> None:
        """The sandbox gets no default gateway by this endpoint."""
        self._no_gateway_service = True

    def add_table_entry(self, table: str, key: str, value: bytes) -> None:
        """An entry for the gossip layer; there is none on a single host."""
        self._entries.append((table, key, value))

    def set_birth(self, birth: Birth) -> None:
        """How the device is born in the sandbox; it needs its names, too."""
        self._birth = birth


class Driver:
    """What makes a network of some type. It decides and describes; what it returns the library carries out.

    Subclasses implement the methods from ``create_network`` to ``leave``, and pass an instance to
    :meth:`Controller.register_driver`. An exception becomes the caller's error: one of :class:`Error` keeps its kind,
    and any other becomes a :class:`SystemCallError`; it is the ``__cause__``. What is no :class:`Exception`, as that of
    Ctrl-C, goes on as it is when the call ends. Methods may be called from any thread.

    They may ask the controller for lists. While a driver makes or deletes a network, or takes away an endpoint, others
    wait for it, ten seconds at most: there it must not make, join or take away anything by the controller, and such a
    call ends in :class:`BusyError` then.
    """

    data_scope = Scope.LOCAL
    connectivity_scope = Scope.LOCAL

    def create_network(
        self,
        network: str,
        options: Mapping[str, Any],
        ipv4: Sequence[IpamData],
        ipv6: Sequence[IpamData],
    ) -> _netns.Plan | CreatedNetwork | None:
        """Checks options and subnets; returns what the network needs in the host."""
        raise missing(self, "create_network")

    def delete_network(self, network: str) -> _netns.Plan | None:
        """What takes the network away."""
        raise missing(self, "delete_network")

    def create_endpoint(
        self, network: str, endpoint: str, interface: EndpointInterface, options: Mapping[str, Any]
    ) -> CreatedEndpoint | _netns.Plan | None:
        """Checks the options, and chooses addresses that are open."""
        raise missing(self, "create_endpoint")

    def delete_endpoint(self, network: str, endpoint: str) -> _netns.Plan | None:
        """What takes the endpoint away."""
        raise missing(self, "delete_endpoint")

    def join(
        self, network: str, endpoint: str, sandbox_key: str, join: JoinInfo, options: Mapping[str, Any]
    ) -> None:
        """Says which device the sandbox gets, and its gateways and routes."""
        raise missing(self, "join")

    def leave(self, network: str, endpoint: str) -> _netns.Plan | None:
        """What takes the endpoint's device out of use."""
        raise missing(self, "leave")

    def endpoint_oper_info(self, network: str, endpoint: str) -> Mapping[str, Any]:
        """What there is to know of an endpoint."""
        return {}

    def network_allocate(
        self,
        network: str,
        options: Mapping[str, str],
        ipv4: Sequence[IpamData],
        ipv6: Sequence[IpamData],
    ) -> Mapping[str, str]:
        """What a network that spans hosts needs of the cluster."""
        raise missing(self, "network_allocate")

    def network_free(self, network: str) -> None:
        """Gives that back."""
        raise missing(self, "network_free")

    def program_external_connectivity(
        self, network: str, endpoint: str, options: Mapping[str, Any]
    ) -> _netns.Plan | None:
        """What connects the endpoint to the outside."""
        raise missing(self, "program_external_connectivity")

    def revoke_external_connectivity(self, network: str, endpoint: str) -> _netns.Plan | None:
        """What takes that back."""
        raise missing(self, "revoke_external_connectivity")

    def discover_new(self, discovery: Discovery, data: Any) -> None:
        """A node, or keys, have come."""
        raise missing(self, "discover_new")

    def discover_delete(self, discovery: Discovery, data: Any) -> None:
        """A node, or keys, have gone."""
        raise missing(self, "discover_delete")
