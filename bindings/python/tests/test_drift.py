"""The package's dataclasses have the fields that the core has: it names its own when it refuses another."""

from __future__ import annotations

import ast
import dataclasses
import enum
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Host

import netns
from netns import _netns
from netns import libcontainer as lc
from netns import topology
from netns.libcontainer import configs as c

CORE = Path(__file__).parents[3] / "core/src"
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


def structs_of_source(file: str) -> dict[str, set[str]]:
    """The public fields of the core's public structs, as they are called in JSON."""
    structs = {}
    for name, body in re.findall(r"^pub struct (\w+) \{\n(.*?)^\}", (CORE / file).read_text(), re.DOTALL | re.MULTILINE):
        fields = set()
        for attributes, field in re.findall(r"((?:^    #\[.*?\]\n|^    ///.*\n)*)^    pub (\w+):", body, re.MULTILINE):
            renamed = re.search(r'rename = "(\w+)"', attributes)
            fields.add(renamed[1] if renamed else field)
        structs[name] = fields
    return structs


OWN_NAMES = {"Hooks": "hooks", "ociVersion": "oci_version", "tx_queue_len": "txqueuelen", "kind": "type"}
"""What the package calls otherwise."""

STRUCTS: dict[str, list[Any]] = {
    "libcontainer/network.rs": [lc.Network, lc.NetworkState],
    "libcontainer/setup/state.rs": [lc.SetupState, lc.SetupNamespace, lc.SetupNetwork, lc.SetupLink],
    "libcontainer/configs/config.rs": [c.Config],
    "libcontainer/configs/network.rs": [c.Network, c.ParsedNetwork],
    "libcontainer/configs/route.rs": [c.Route, c.ParsedRoute],
    "libcontainer/configs/command.rs": [c.Command],
    "libcontainer/configs/namespaces.rs": [c.Namespace],
    "libcontainer/configs/state.rs": [c.State],
    "stats/mod.rs": [netns.Counters, netns.Stats, netns.Rate],
    "stats/table.rs": [netns.SlotId, netns.SlotOwner],
}


@pytest.mark.parametrize("file", STRUCTS)
def test_structs_have_the_fields_of_the_cores_source(file: str) -> None:
    structs = structs_of_source(file)
    for kind in STRUCTS[file]:
        assert {OWN_NAMES.get(field, field) for field in structs.pop(kind.__name__)} == fields_of(kind), kind
    not_shown = {"MeterOptions", "Reading"}  # as arguments, and as rows
    assert {name for name in structs if structs[name]} <= not_shown


def test_every_field_of_a_container_reaches_the_core() -> None:
    lists = {"networks": [{}], "routes": [{}], "namespaces": [{"type": "NEWNET"}], "hooks": {"prestart": [{}]}}
    texts = {"apparmor_profile": "p", "process_label": "l"}
    told = json.loads(_netns.normal_json("config", json.dumps({**lists, **texts})))
    assert {OWN_NAMES.get(field, field) for field in told} == fields_of(c.Config)
    for field, kind in (("networks", c.Network), ("routes", c.Route), ("namespaces", c.Namespace)):
        assert set(told[field][0]) == fields_of(kind)
    assert set(told["Hooks"]["prestart"][0]) == fields_of(c.Command)
    assert set(told["Hooks"]) == {name.value for name in c.HookName}
    full: list[lc.Network | lc.NetworkState | lc.SetupState] = [
        lc.Network("t", "n", "b", "v", "a", "g", 1),
        lc.NetworkState("a", "b", "c"),
        lc.SetupState(
            "web",
            lc.SetupNamespace("/p", 1, 2, 3),
            (lc.SetupNetwork("veth", "eth0", lc.SetupLink("veth0", 7, "alias")),),
        ),
    ]
    for value in full:
        assert type(value).from_json(value.to_json()) == value
        assert fields_of(type(value)) - {"routes"} == set(json.loads(value.to_json()))


def test_libcontainer_has_the_cores_words() -> None:
    assert [name for name, _, _ in _netns.namespace_types()] == [type.value for type in c.namespace_types()]
    assert set(c.namespace_types()) == set(c.NamespaceType)
    with pytest.raises(netns.BadRequestError) as raised:
        _netns.run_hooks([], "none", c.State("web").to_json())
    _, _, known = str(raised.value).partition("none of ")
    assert known.split(", ") == [name.value for name in c.HookName]
    words = re.findall(r'Self::\w+ => "(\w+)",', (CORE / "libcontainer/configs/state.rs").read_text())
    assert words == [status.value for status in c.Status]


def test_libcontainer_has_all_that_the_core_shows() -> None:
    for file, module in (("libcontainer/mod.rs", lc), ("libcontainer/configs/mod.rs", c)):
        shown = re.findall(r"^pub use (?:\w+::)+(?:\{(.*?)\}|(.*?));", (CORE / file).read_text(), re.DOTALL | re.MULTILINE)
        names = {name.strip().split(" as ")[-1] for several, one in shown for name in (several or one).split(",")}
        functions = {"FunctionHook"}  # every function is one
        assert names - {"", "Stats"} - functions <= set(module.__all__), file
        assert all(hasattr(module, name) for name in module.__all__)


def test_a_controller_does_all_that_the_cores_does() -> None:
    blocks = [
        block
        for file in (CORE / "controller").rglob("*.rs")
        for block in re.findall(r"^impl Controller \{\n(.*?)^\}", file.read_text(), re.DOTALL | re.MULTILINE)
    ]
    names = {name for block in blocks for name in re.findall(r"^    pub fn (\w+)", block, re.MULTILINE)}
    # stats, the constructor, directories, the path of a sandbox
    elsewhere = {"all_stats", "open", "open_uncollected", "options", "sandbox_key"}
    assert len(names) > 40 and names - elsewhere - {"fail_write"} <= set(dir(netns.Controller))


def written_inits() -> dict[str, list[tuple[str, str]]]:
    """Of the classes whose fields take more than they hold, the parameters that type checkers see, with defaults."""
    found = {}
    for file in Path(netns.__file__).parent.rglob("_*.py"):
        for made in ast.walk(ast.parse(file.read_text())):
            if not isinstance(made, ast.ClassDef):
                continue
            for block in (each for each in made.body if isinstance(each, ast.If)):
                [init] = [each for each in block.body if isinstance(each, ast.FunctionDef)]
                names = [each.arg for each in init.args.args[1:]]
                defaults = [ast.unparse(each) for each in init.args.defaults]
                found[f"{file.parent.name}.{made.name}"] = list(zip(names, [""] * (len(names) - len(defaults)) + defaults))
    return found


def test_constructors_take_the_fields_that_there_are() -> None:
    inits = written_inits()
    for name, parameters in inits.items():
        package, _, own = name.partition(".")
        modules = (netns, topology) if package == "netns" else (c,)
        kind = next(getattr(module, own) for module in modules if hasattr(module, own))
        declared = [field.name for field in dataclasses.fields(kind)]
        assert [parameter for parameter, _ in parameters] == declared, name
        scope = {**vars(sys.modules[kind.__module__])}
        for (_, default), field in zip(parameters, dataclasses.fields(kind)):
            assert (default == "") == (field.default is dataclasses.MISSING), (name, field.name)
            assert not default or eval(default, scope) == field.default, (name, field.name)
    assert len(inits) >= 17
