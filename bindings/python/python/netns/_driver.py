"""Drivers written in Python."""

from __future__ import annotations

import enum
import json
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
from ._configs import Neighbour
from ._errors import missing
from ._values import NOTHING, Value, converted, from_wire, to_json, to_wire, value

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

    def _wire(self) -> dict[str, Any]:
        return {
            "link": _link(self.link),
            "early": _plan(self.early),
            "after": _plan(self.after),
            "neighbours": [to_wire(each) for each in self.neighbours],
            "host_prefix": self.host_prefix,
        }


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

    def _json(self) -> str:
        answer = {
            "names": self._names,
            "gateway": self._gateway,
            "gateway_ipv6": self._gateway_ipv6,
            "routes": self._routes,
            "no_gateway_service": self._no_gateway_service,
            "entries": [(table, key, list(value)) for table, key, value in self._entries],
            "birth": self._birth and self._birth._wire(),
        }
        return to_json(answer)


class Driver:
    """What makes a network of some type. It decides and describes; what it returns the library carries out.

    Subclasses implement the methods from ``create_network`` to ``leave``, and pass an instance to
    :meth:`Controller.register_driver`. An exception becomes the caller's error: one of :class:`Error` keeps its kind,
    and any other becomes a :class:`SystemCallError`; it is the ``__cause__``. Methods may be called from any thread.
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


class DriverAdapter:
    """A driver as the native module calls it: by text."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def create_network(self, network: str, options: str, ipv4: str, ipv6: str) -> str:
        made = self._driver.create_network(network, json.loads(options), _subnets(ipv4), _subnets(ipv6))
        if not isinstance(made, CreatedNetwork):
            made = CreatedNetwork(_a_plan("create_network", made))
        return json.dumps({"plan": _plan(made.plan), "tables": list(made.tables)})

    def delete_network(self, network: str) -> str:
        return _a_plan("delete_network", self._driver.delete_network(network)).to_json()

    def create_endpoint(self, network: str, endpoint: str, interface: str, options: str) -> str:
        there = from_wire(EndpointInterface, json.loads(interface))
        made = self._driver.create_endpoint(network, endpoint, there, json.loads(options))
        if not isinstance(made, CreatedEndpoint):
            made = CreatedEndpoint(plan=_a_plan("create_endpoint", made))
        addresses = [str(each) for each in (made.address, made.address_ipv6) if each is not None]
        return json.dumps({"plan": _plan(made.plan), "mac": made.mac, "addresses": addresses})

    def delete_endpoint(self, network: str, endpoint: str) -> str:
        return _a_plan("delete_endpoint", self._driver.delete_endpoint(network, endpoint)).to_json()

    def endpoint_oper_info(self, network: str, endpoint: str) -> str:
        return to_json(self._driver.endpoint_oper_info(network, endpoint))

    def join(self, network: str, endpoint: str, sandbox_key: str, joining: str, options: str) -> str:
        data = json.loads(joining)
        info = JoinInfo(from_wire(EndpointInterface, data["interface"]), data["mtu"])
        self._driver.join(network, endpoint, sandbox_key, info, json.loads(options))
        return info._json()

    def leave(self, network: str, endpoint: str) -> str:
        return _a_plan("leave", self._driver.leave(network, endpoint)).to_json()

    def network_allocate(self, network: str, options: str, ipv4: str, ipv6: str) -> str:
        answer = self._driver.network_allocate(network, json.loads(options), _subnets(ipv4), _subnets(ipv6))
        return to_json(answer)

    def network_free(self, network: str) -> str:
        self._driver.network_free(network)
        return "null"

    def program_external_connectivity(self, network: str, endpoint: str, options: str) -> str:
        plan = self._driver.program_external_connectivity(network, endpoint, json.loads(options))
        return _a_plan("program_external_connectivity", plan).to_json()

    def revoke_external_connectivity(self, network: str, endpoint: str) -> str:
        plan = self._driver.revoke_external_connectivity(network, endpoint)
        return _a_plan("revoke_external_connectivity", plan).to_json()

    def discover_new(self, discovery: str, data: str) -> str:
        self._driver.discover_new(Discovery(discovery), json.loads(data))
        return "null"

    def discover_delete(self, discovery: str, data: str) -> str:
        self._driver.discover_delete(Discovery(discovery), json.loads(data))
        return "null"


def _a_plan(method: str, plan: object) -> _netns.Plan:
    if plan is None:
        return _netns.Plan()
    if not isinstance(plan, _netns.Plan):
        raise TypeError(f"{method} returned {type(plan).__name__}, and no Plan")
    return plan


def _plan(plan: _netns.Plan) -> Any:
    return json.loads(plan.to_json())


def _subnets(text: str) -> list[IpamData]:
    return [
        IpamData(
            each.get("AddressSpace", ""),
            each.get("Pool"),
            each.get("Gateway"),
            each.get("AuxAddresses", {}),
        )
        for each in json.loads(text)
    ]


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    """The link with what the library fills in; it takes out of a sandbox what is of its group."""
    kind = dict(link.get("kind", {}))
    if isinstance(kind.get("veth"), Mapping):
        peer = {**kind["veth"].get("peer", {}), "name": "later", "place": "sandbox"}
        kind = {"veth": {**kind["veth"], "peer": peer}}
    return {"name": "later", "up": False, **link, "kind": kind, "group": _netns.LINK_GROUP}
