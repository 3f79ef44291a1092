"""The package's dataclasses have the fields that the core has: it names its own when it refuses another."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Host

import netns
from netns import _netns

STRAY = {"no such field": 1}


def fields_of_core(ask: Callable[[str], object], data: dict[str, Any]) -> set[str]:
    with pytest.raises(netns.BadRequestError, match="unknown field") as raised:
        ask(json.dumps(data))
    _, _, expected = str(raised.value).partition("expected ")
    return set(re.findall(r"`(\w+)`", expected))


def fields_of(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_every_field_of_the_core_is_there(host: Host) -> None:
    with netns.Controller() as controller, netns.Sandbox("a") as sandbox:
        native, inside = controller._native, sandbox._native
        network = netns.Network("n")

        def endpoint(text: str) -> object:
            return native.create_endpoint("n", text)

        def options(text: str) -> object:
            return _netns.Network.create("bridge", "n", text)

        cases: list[tuple[Any, Callable[[str], object], dict[str, Any]]] = [
            (netns.NetworkConfig, native.create_network, STRAY),
            (netns.SubnetConfig, native.create_network, {"name": "m", "subnets": [STRAY]}),
            (netns.FirewallConfig, native.create_network, {"name": "m", "firewall": STRAY}),
            (netns.EndpointConfig, endpoint, STRAY),
            (netns.StaticRoute, endpoint, {"name": "e", "routes": [STRAY]}),
            (netns.Neighbour, endpoint, {"name": "e", "neighbours": [STRAY]}),
            (netns.PortMapping, endpoint, {"name": "e", "ports": [STRAY]}),
            (netns.NetworkOptions, options, STRAY),
            (netns.EndpointOptions, lambda text: network._native.join(inside, text), STRAY),
        ]
        for kind, ask, data in cases:
            assert fields_of(kind) == fields_of_core(ask, data), kind.__name__
        network.delete()


def test_every_field_of_what_the_core_tells_is_there(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n", ipv6=True)
        with controller.create_sandbox("a") as a:
            told = json.loads(controller._native.connect("n", a._native, '"e"').to_json())
            assert set(told) <= fields_of(netns.Endpoint)
            assert set(told["interface"]) == fields_of(netns.Interface)
            assert set(json.loads(a._native.info())) == fields_of(netns.Info)
            [stats] = json.loads(controller._native.all_stats('"full"'))
            assert set(stats) == fields_of(netns.EndpointStats) and set(stats["stats"]) == fields_of(netns.Stats)
            assert set(json.loads(controller._native.inspect_network("n"))) <= fields_of(netns.NetworkDetails)
            [sandbox] = json.loads(controller._native.sandboxes())
            assert set(sandbox) == fields_of(netns.SandboxDetails)
        controller.delete_network("n")


def test_every_enumeration_has_the_cores_words(host: Host) -> None:
    with netns.Controller() as controller:
        kinds: list[tuple[str, type[enum.Enum]]] = [
            ("mode", netns.FirewallMode),
            ("gateway_mode", netns.GatewayMode),
            ("isolate", netns.Isolate),
        ]
        for field, kind in kinds:
            with pytest.raises(netns.BadRequestError, match="unknown variant") as raised:
                controller._native.create_network(json.dumps({"name": "n", "firewall": {field: "none of them"}}))
            _, _, expected = str(raised.value).partition("expected ")
            assert set(re.findall(r"`(\w+)`", expected)) == {each.value for each in kind}
