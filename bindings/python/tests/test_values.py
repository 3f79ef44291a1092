"""The dataclasses of callers: what they take, what they refuse, and that they stay as they are."""

from __future__ import annotations

import copy
import dataclasses
import json
import operator
import pickle
from collections.abc import Callable
from ipaddress import IPv4Address, ip_interface
from pathlib import Path
from typing import Any

import pytest
from conftest import Host

import netns
from netns.topology import Segment


@pytest.mark.parametrize(
    ("make", "wrong", "known"),
    [
        (lambda: netns.NetworkConfig("n", firewall={"gateway-mode": "isolated"}), "gateway-mode", "gateway_mode"),
        (lambda: netns.NetworkConfig("n", firewall={"icc_": False}), "icc_", "icc"),
        (lambda: netns.NetworkConfig("n", subnets=[{"subnet": "10.0.0.0/24", "gatway": "10.0.0.1"}]), "gatway", "gateway"),
        (lambda: netns.EndpointConfig("e", routes=[{"destinaton": "10.0.0.0/24"}]), "destinaton", "destination"),
        (lambda: netns.EndpointConfig("e", ports=[{"ports": {"frist": 80}}]), "frist", "first"),
        (lambda: netns.Topology(networks={"n": {"subnt": "10.0.0.0/24"}}), "subnt", "subnet"),
        (lambda: netns.Topology(networks={"n": [{"host": "a", "adress": "10.0.0.1"}]}), "adress", "address"),
        (lambda: netns.Topology(hosts={"a": {"gatway": "b"}}), "gatway", "gateway"),
        (lambda: netns.Topology(links=[{"a": "x", "b": "y", "ipv5": True}]), "ipv5", "ipv6"),
    ],
)
def test_what_is_misspelt_is_refused(make: Callable[[], object], wrong: str, known: str) -> None:
    with pytest.raises(netns.BadRequestError) as raised:
        make()
    assert repr(wrong) in str(raised.value) and known in str(raised.value).partition(" but ")[2]


def test_a_misspelt_config_makes_nothing(host: Host) -> None:
    with netns.Controller() as controller:
        for config in ({"name": "n", "labls": {}}, {"name": "n", "firewall": {"icc_": False}}):
            with pytest.raises(netns.BadRequestError, match="labls|icc_"):
                controller.create_network(config)
        with pytest.raises(netns.BadRequestError, match="icc_"):
            controller.create_network("n", firewall={"icc_": False})
        assert controller.networks() == []


def test_a_newer_core_may_tell_more() -> None:
    from netns._values import from_json

    config = {"name": "n", "new": 1, "firewall": {"newer": 2}, "subnets": [{"subnet": "10.0.0.0/24", "newest": 3}]}
    told = {**config, "endpoints": [], "usage": []}
    assert from_json(netns.NetworkDetails, json.dumps(told)).subnets == (netns.SubnetConfig("10.0.0.0/24"),)


def test_options_are_what_json_can_say(host: Host) -> None:
    options = {"a": [1, {"b": None}], "c": IPv4Address("10.0.0.1"), "d": Path("/x"), "e": netns.Protocol.TCP, "f": 1.5}
    config = netns.NetworkConfig("n", options=options)
    assert config.options["a"] == (1, {"b": None}) and config.options["c"] == IPv4Address("10.0.0.1")

    class Says(netns.Driver):
        def create_network(self, network: str, given: Any, *subnets: Any) -> None:
            self.given = given

        def delete_network(self, network: str) -> None:
            pass

    says = Says()
    with netns.Controller() as controller:
        controller.register_driver("says", says)
        controller.create_network("n", type="says", options=options)
        wanted = {"a": [1, {"b": None}], "c": "10.0.0.1", "d": "/x", "e": "tcp", "f": 1.5}
        assert {key: says.given[key] for key in options} == wanted
        for wrong in (object(), b"x", {1, 2}, [object()], {"x": b"y"}, range(3)):
            with pytest.raises(TypeError, match=r"options\['x'\]"):
                controller.create_network("m", options={"x": wrong})
        with pytest.raises(TypeError, match="key"):
            controller.create_network("m", options={"x": {1: 2}})
        with pytest.raises(TypeError, match="data"):
            controller.discover_new(netns.Discovery.NODE, object())
        cycle: list[Any] = []
        cycle.append(cycle)
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        for nested in (cycle, deep):
            with pytest.raises(netns.BadRequestError, match="deeper"):
                controller.create_network("m", options={"x": nested})
            with pytest.raises(netns.BadRequestError, match="deeper"):
                controller.discover_new(netns.Discovery.NODE, nested)
        while deep:  # bit by bit, since to drop all of it at once is deep as well
            deep = deep.pop()
        controller.delete_network("n")


def test_values_stay_as_they_are() -> None:
    labels = {"a": "b"}
    config = netns.NetworkConfig("n", labels=labels, options={"x": {"y": [1]}})
    labels["a"] = "c"
    assert config.labels == {"a": "b"}
    changes: list[Callable[[], object]] = [
        lambda: config.labels.update(a="c"),  # type: ignore[attr-defined]
        lambda: config.labels.pop("a"),  # type: ignore[attr-defined]
        lambda: operator.setitem(config.labels, "x", "y"),  # type: ignore[call-overload]
        lambda: operator.delitem(config.labels, "a"),  # type: ignore[call-overload]
        lambda: config.labels.__ior__({"x": "y"}),  # type: ignore[attr-defined]
        lambda: config.labels.setdefault("x", "y"),  # type: ignore[attr-defined]
        lambda: config.options["x"].clear(),
        lambda: operator.setitem(netns.NetworkConfig("m").labels, "x", "y"),  # type: ignore[call-overload]
    ]
    for change in changes:
        with pytest.raises(TypeError):
            change()
    same = netns.NetworkConfig("n", labels={"a": "b"}, options={"x": {"y": (1,)}})
    other = dataclasses.replace(config, labels={**config.labels, "x": "y"})
    assert {config: 1}[same] == 1 and len({config, same, other}) == 2
    for again in (pickle.loads(pickle.dumps(config)), copy.copy(config), copy.deepcopy(config)):
        assert again == config and hash(again) == hash(config) and again.labels == {"a": "b"}
        with pytest.raises(TypeError):
            again.labels["x"] = "y"  # type: ignore[index]
    assert dataclasses.asdict(config)["labels"] == {"a": "b"} and json.dumps(config.labels) == '{"a": "b"}'


def test_what_the_core_tells_can_be_hashed_and_copied(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n", labels={"a": "b"})
        with controller.create_sandbox("a") as a:
            plan = controller.plan_connect("n", a, "e", labels={"x": "y"})
            for again in (pickle.loads(pickle.dumps(plan)), copy.copy(plan), copy.deepcopy(plan)):
                assert again == plan and hash(again) == hash(plan) and str(again) == str(plan)
            assert len({plan, netns.Plan(plan.to_json()), netns.Plan()}) == 2
            endpoint = controller.connect("n", a, "e", labels={"x": "y"})
            assert len({endpoint, controller.endpoint("n", "e")}) >= 1
            assert pickle.loads(pickle.dumps(endpoint)) == endpoint
            assert hash(controller.inspect_network("n")) is not None
        controller.delete_network("n")


def test_what_is_refused_is_refused_by_kind(host: Host) -> None:
    with netns.Controller() as controller, controller.create_sandbox("a") as a:
        network = netns.Network("f")
        cases: list[tuple[type[Exception], Callable[[], object]]] = [
            (TypeError, lambda: network.join("a", "e")),  # type: ignore[arg-type]
            (TypeError, lambda: network.plan_join(None, "e")),  # type: ignore[arg-type]
            (TypeError, lambda: network.apply(netns.Plan(), "a")),  # type: ignore[arg-type]
            (TypeError, lambda: netns.Network("g", 0)),  # type: ignore[arg-type]
            (TypeError, lambda: netns.Network("g", [])),  # type: ignore[arg-type]
            (TypeError, lambda: netns.Network("g", "")),  # type: ignore[arg-type]
            (TypeError, lambda: controller.watch_stats(True)),
            (TypeError, lambda: controller.watch_stats("1")),  # type: ignore[arg-type]
            (netns.BadRequestError, lambda: controller.watch_stats(1, detail="bogus")),
            (netns.BadRequestError, lambda: controller.stats("bogus")),
            *((netns.BadRequestError, attempt) for attempt in halves_of_pairs(controller, network, a)),
        ]
        for kind, attempt in cases:
            with pytest.raises(kind):
                attempt()
        assert [each.name for each in controller.networks()] == []
        network.delete()


def halves_of_pairs(
    controller: netns.Controller, network: netns.Network, sandbox: netns.Sandbox
) -> list[Callable[[], object]]:
    half = "\ud800"
    return [
        lambda: controller.create_network(half),
        lambda: controller.inspect_network(half),
        lambda: controller.delete_network(half),
        lambda: controller.connect("n", sandbox, half),
        lambda: controller.connect(half, sandbox, "e"),
        lambda: controller.create_sandbox(half),
        lambda: controller.leave("n", half),
        lambda: network.unlink(half),
        lambda: netns.Sandbox(half),
        lambda: netns.Network(half),
        lambda: netns.generate_key(half),
        lambda: netns.Plan(half),
        lambda: netns.libcontainer.interface_up(half),
        lambda: netns.libcontainer.configs.Config.from_json(half),
    ]


def test_slots_that_cannot_be_are_refused(host: Host) -> None:
    class Native:
        def read(self, slot: int, life: int) -> None:
            return None

        owner = release = read

    meter = netns.Meter._of(Native())  # type: ignore[arg-type]
    for method in (meter.read, meter.owner, meter.release):
        for slot, life in ((70000, 1), (-1, 1), (1, 2**64), (1, -1)):
            with pytest.raises(netns.BadRequestError, match=str(max(slot, life, key=abs))):
                method(netns.SlotId(slot, life))
        for wrong in ("x", None, (1, 2)):
            with pytest.raises(TypeError, match="SlotId expected"):
                method(wrong)  # type: ignore[arg-type]
        assert method(netns.SlotId(1, 1)) is None


def test_text_does_where_an_address_is_expected_for_type_checkers_too() -> None:
    config = netns.EndpointConfig("e", address="10.0.0.5", ports=["80", 81], destination="web0")
    assert config.address == IPv4Address("10.0.0.5") and config.destination == netns.Destination(name="web0")
    network = netns.NetworkConfig("n", subnets=["10.0.0.0/24"], firewall={"mode": "off"})
    assert network.firewall.mode is netns.FirewallMode.OFF
    route = netns.StaticRoute("10.0.0.0/24", "10.0.0.1")
    assert netns.EndpointOptions("e", address="10.0.0.5/24", routes=[route]).address == ip_interface("10.0.0.5/24")
    assert [each.host for each in Segment(("a", "b"), subnet="10.0.0.0/24").hosts] == ["a", "b"]
