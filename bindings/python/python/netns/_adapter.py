"""Drivers written in Python, as the native module calls them: by text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from . import _netns
from ._driver import (
    Birth,
    CreatedEndpoint,
    CreatedNetwork,
    Discovery,
    Driver,
    EndpointInterface,
    IpamData,
    JoinInfo,
)
from ._values import from_wire, to_json


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
        return _joined(info)

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


def _joined(join: JoinInfo) -> str:
    answer = {
        "names": join._names,
        "gateway": join._gateway,
        "gateway_ipv6": join._gateway_ipv6,
        "routes": join._routes,
        "no_gateway_service": join._no_gateway_service,
        "entries": [(table, key, list(value)) for table, key, value in join._entries],
        "birth": join._birth and _born(join._birth),
    }
    return to_json(answer)


def _born(birth: Birth) -> dict[str, Any]:
    return {
        "link": _link(birth.link),
        "early": _plan(birth.early),
        "after": _plan(birth.after),
        "neighbours": list(birth.neighbours),
        "host_prefix": birth.host_prefix,
    }


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    """The link with what the library fills in; it takes out of a sandbox what is of its group."""
    kind = dict(link.get("kind", {}))
    if isinstance(kind.get("veth"), Mapping):
        peer = {**kind["veth"].get("peer", {}), "name": "later", "place": "sandbox"}
        kind = {"veth": {**kind["veth"], "peer": peer}}
    return {"name": "later", "up": False, **link, "kind": kind, "group": _netns.LINK_GROUP}
