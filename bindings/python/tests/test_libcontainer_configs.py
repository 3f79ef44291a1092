"""Configs and states as data."""

from __future__ import annotations

import json
import os
import pickle
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from conftest import Host

import netns
from netns import _netns
from netns.libcontainer import configs as c

FULL = c.Config(
    parent_death_signal=9,
    rootfs="/var/lib/<web>",
    namespaces=c.Namespaces([c.Namespace(c.NamespaceType.NEWNET), c.Namespace(c.NamespaceType.NEWNS, "/proc/1/ns/mnt")]),
    networks=(
        c.Network(type="loopback"),
        c.Network(
            type="veth",
            name="eth0",
            bridge="br0",
            mac_address="02:42:0a:05:00:02",
            address="10.5.0.2/24",
            gateway="10.5.0.1",
            ipv6_address="fd05::2/64",
            ipv6_gateway="fd05::1",
            mtu=1400,
            txqueuelen=100,
            host_interface_name="web0",
            hairpin_mode=True,
        ),
    ),
    routes=(c.Route("10.7.0.0/16", "10.5.0.2", "10.5.0.1", "eth0"),),
    apparmor_profile="p",
    process_label="l",
    hooks=c.Hooks(
        prestart=(c.CommandHook(c.Command("/bin/true", ("true",), ("A=1",), "/", 1.5)),),
        poststop=(c.CommandHook(c.Command("/bin/false")),),
    ),
    version="1.2.0",
    labels=("a=b", "c"),
)

DOCUMENTS = [
    "{}",
    FULL.to_json(),
    '{"networks": null, "routes": [], "labels": null, "hooks": null, "namespaces": []}',
    '{"namespaces":[{"type":"NEWNET","path":"\\u003c"},{"type":"NEWNET"}],"other":{"a":[1]}}',
    '{"hooks":{"poststop":[{"path":"/x","timeout":9223372036854775807}],"poststart":[{"timeout":1}],"unknown":[]}}',
    '{"hooks":{"prestart":[{"path":"/x","timeout":86400000000000},{"timeout":0},{"timeout":1500000001}]}}',
    '{"networks":[{"type":"\\ud83d\\udca3","name":"\\u0000","mtu":-9223372036854775808,"txqueuelen":9223372036854775807}]}',
    '{"parent_death_signal":-2147483648,"Hooks":{}}',
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_a_config_is_written_as_the_core_does(host: Host, document: str) -> None:
    config = c.Config.from_json(document)
    assert config.to_json() == _netns.normal_json("config", document)
    assert c.Config.from_json(config.to_json()) == config


def test_a_config_comes_back(host: Host) -> None:
    again = c.Config.from_json(FULL.to_json())
    assert again == FULL and pickle.loads(pickle.dumps(FULL)) == FULL and hash(again) == hash(FULL)
    assert again.hooks.prestart[0] == c.CommandHook(c.Command("/bin/true", ("true",), ("A=1",), "/", 1.5))
    assert isinstance(again.namespaces, c.Namespaces) and again.networks[1].txqueuelen == 100
    data = json.loads(FULL.to_json())
    assert data["Hooks"]["prestart"][0]["timeout"] == 1_500_000_000 and data["Hooks"]["createRuntime"] is None
    assert "\\u003cweb\\u003e" in FULL.to_json()
    FULL.check()
    with pytest.raises(AttributeError):
        FULL.rootfs = "/"  # type: ignore[misc]


def test_configs_take_mappings_and_addresses() -> None:
    loose: dict[str, Any] = {
        "namespaces": [{"type": "NEWNET"}],
        "networks": [{"type": "veth", "address": ip_interface("10.5.0.2/24"), "gateway": ip_address("10.5.0.1")}],
        "routes": [{"destination": ip_network("10.7.0.0/16"), "interface_name": "eth0"}],
        "hooks": {"create_runtime": [c.Command("/bin/true")]},
    }
    config = c.Config(**loose)
    assert config.networks[0].address == "10.5.0.2/24" and config.routes[0].destination == "10.7.0.0/16"
    assert config.hooks.create_runtime == (c.CommandHook(c.Command("/bin/true")),)
    wrong: list[dict[str, Any]] = [
        {"hooks": {"createRuntime": []}},
        {"hooks": {"poststop": [7]}},
        {"networks": [7]},
        {"namespaces": 7},
        {"labels": "a"},
    ]
    for fields in wrong:
        with pytest.raises(TypeError):
            c.Config(**fields)


def test_what_cannot_be_right_is_found(host: Host) -> None:
    def veth(**fields: Any) -> c.Config:
        return c.Config(namespaces=c.Namespaces().with_namespace("NEWNET"), networks=(c.Network("veth", **fields),))

    hostile = ["a/b", "x" * 16, "..", "a b", "a\nb", "a\0b", "%d", "💣" * 5, "\ud800", "n" * 1_000_000]
    cases = [veth(name=name) for name in hostile] + [veth(bridge=name) for name in hostile]
    cases += [
        veth(address="10.5.0.2"),
        veth(address="10.5.0.2/24", gateway="10.6.0.1"),
        veth(mac_address="02:42"),
        veth(mtu=-1),
        veth(mtu=2**63),
        veth(ipv6_address="fd05::2/64", mtu=1279),
        c.Config(networks=(c.Network("loopback"),)),
        c.Config(namespaces=c.Namespaces([c.Namespace(c.NamespaceType.NEWNET)] * 2)),
        c.Config(namespaces=c.Namespaces().with_namespace("NEWNET", "relative")),
        c.Config(hooks=c.Hooks(poststop=(c.CommandHook(c.Command("relative")),))),
        c.Config(hooks=c.Hooks(poststop=(c.CommandHook(c.Command("/x", timeout=0)),))),
        c.Config(networks=(c.Network(),) * 1025),
    ]
    for config in cases:
        with pytest.raises(netns.BadRequestError) as raised:
            config.check()
        assert len(str(raised.value)) < 10_000
    for unreadable in ("[]", '{"networks":[[]]}', '{"namespaces":[{"type":"NEWX"}]}', "[" * 2**20, '{"labels":[1]}'):
        with pytest.raises(netns.BadRequestError, match="line|lie within|1 MiB|object"):
            c.Config.from_json(unreadable)


def test_networks_and_routes_are_parsed() -> None:
    parsed = FULL.networks[1].parsed()
    assert parsed.address == ip_interface("10.5.0.2/24") and parsed.ipv6_gateway == ip_address("fd05::1")
    assert (parsed.mtu, parsed.txqueuelen, parsed.hairpin_mode) == (1400, 100, True)
    assert c.Network("loopback", mtu=-1).parsed() == c.ParsedNetwork()
    route = FULL.routes[0].parsed()
    assert route.destination == ip_network("10.7.0.0/16") and route.source == ip_interface("10.5.0.2/32")
    assert c.Route(gateway="fd05::1", interface_name="eth0").parsed().destination == ip_network("::/0")
    for wrong in (c.Route(interface_name="eth0"), c.Route("10.7.0.0/16", gateway="fd05::1", interface_name="eth0")):
        with pytest.raises(netns.BadRequestError):
            wrong.parsed()


def test_namespaces(host: Host) -> None:
    own = c.Namespaces().with_namespace("NEWNET", "/proc/1/ns/net").with_namespace(c.NamespaceType.NEWPID)
    assert own.path_of("NEWNET") == "/proc/1/ns/net" and own.path_of("NEWUSER") == "" and own.contains("NEWPID")
    assert own.is_private("NEWPID") and not own.is_private("NEWNET") and not own.is_private("NEWUSER")
    assert own.clone_flags() == 0x20000000 == c.NamespaceType.NEWPID.clone_flag
    other = own.with_namespace("NEWNET")
    assert other.clone_flags() == 0x60000000 and len(other) == 2 and other[0].type is c.NamespaceType.NEWNET
    assert other.without("NEWNET").without("NEWNET") == c.Namespaces([c.Namespace(c.NamespaceType.NEWPID)])
    assert own.get("NEWUSER") is None and own.path_of("NEWNET") == "/proc/1/ns/net"
    assert c.namespace_types()[0] is c.NamespaceType.NEWUSER and len(c.namespace_types()) == 8
    for type in c.namespace_types():
        assert c.is_namespace_supported(type) == os.path.exists(f"/proc/self/ns/{c.ns_name(type)}")
    for wrong in ("NEWX", "net", ""):
        with pytest.raises(netns.BadRequestError):
            c.ns_name(wrong)
    with pytest.raises(TypeError):
        c.Namespaces([7])  # type: ignore[list-item]


def test_states(host: Host) -> None:
    state = c.State("web", pid=7, bundle="/b", annotations={"z": "1", "a": "<"})
    assert state.to_json() == (
        '{"ociVersion":"1.2.0","id":"web","status":"creating","pid":7,"bundle":"/b","annotations":{"a":"\\u003c","z":"1"}}'
    )
    assert c.State.from_json(state.to_json()) == state
    assert f"{state.status} {c.HookName.POSTSTOP} {c.NamespaceType.NEWNET}" == "creating poststop NEWNET"
    paused = c.State.from_json('{"id":"web","status":"paused"}')
    assert paused.status == "paused" and paused.oci_version == "" and c.State("x", "running").status is c.Status.RUNNING
    for bad in ('{"id":"web"}', "{}", '{"id":"web","status":"x","pid":-1}'):
        with pytest.raises(netns.BadRequestError):
            c.State.from_json(bad)
    wrong: list[dict[str, Any]] = [{"id": 7}, {"id": "x", "pid": "7"}, {"id": "x", "annotations": {"a": 1}}]
    for fields in wrong:
        with pytest.raises(TypeError):
            c.State(**fields)
