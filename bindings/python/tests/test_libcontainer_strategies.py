"""One network of a container, by a strategy."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import pytest
from conftest import Host
from containers import Container, bridge, container, ip

import netns
from netns import libcontainer as lc

VETH = lc.Network(
    type="veth", bridge="br0", veth_prefix="veth", address="10.5.0.2/24", gateway="10.5.0.1", mtu=1400
)


class Wires(lc.NetworkStrategy):
    """A pair without a bridge, made with the library's own functions."""

    def __init__(self, step: str = "", raised: BaseException | None = None) -> None:
        self.step, self.raised = step, raised
        self.calls: list[str] = []

    def note(self, step: str) -> None:
        self.calls.append(step)
        if step == self.step and self.raised is not None:
            raise self.raised

    def create(self, network: lc.Network, pid: int, state: lc.NetworkState) -> lc.NetworkState:
        self.note("create")
        lc.create_veth_pair("wire0", "wire1")
        lc.set_interface_in_namespace_pid("wire1", pid)
        return lc.NetworkState(veth_host="wire0", veth_child="wire1")

    def initialize(self, network: lc.Network, state: lc.NetworkState) -> None:
        self.note("initialize")
        lc.set_interface_ip(state.veth_child, network.address)
        lc.interface_up(state.veth_child)


@pytest.mark.parametrize("by_path", [False, True])
def test_a_container_gets_its_network_at_once(host: Host, by_path: bool) -> None:
    with bridge(), container() as web:
        state = lc.setup(VETH, Path(web.path) if by_path else web.pid)
        assert state.veth_child == "eth0" and state.veth_host in host.links()
        assert web.links() == ["eth0", "lo"] and web.addresses("eth0") == ["10.5.0.2/24"]
        assert web.ip("link", "show", "eth0")[0]["mtu"] == 1400
        assert "0% packet loss" in web.run("ping", "-c3", "-i0.01", "-W5", "10.5.0.1")
        stats = lc.get_stats(state)
        [shown] = web.ip("-s", "link", "show", "eth0")
        assert stats.tx_packets >= 3 and stats.rx_packets >= 3
        assert stats.rx_errors == shown["stats64"]["rx"]["errors"] == 0
        ip("link", "delete", state.veth_host)
        with pytest.raises(netns.NotFoundError):
            lc.get_stats(state)
    assert lc.get_stats(lc.NetworkState()) == lc.NetworkStats()


def test_two_steps_end_the_same(host: Host) -> None:
    with bridge(), container() as web:
        veth = lc.get_strategy("veth")
        assert isinstance(veth, lc.Veth)
        state = veth.create(VETH, web.pid, lc.NetworkState(ns_path="/kept"))
        assert state is not None and state.veth_child in web.links() and state.ns_path == "/kept"
        done = netns.Namespace(web.path).call(veth.initialize, VETH, state)
        assert done == state
        assert web.links() == ["eth0", "lo"] and web.addresses("eth0") == ["10.5.0.2/24"]
        ip("link", "delete", state.veth_host)


def test_loopback_and_a_shared_namespace(host: Host) -> None:
    with container() as web:
        assert lc.setup(lc.Network(type="loopback"), web.pid) == lc.NetworkState()
        assert "UP" in web.ip("link", "show", "lo")[0]["flags"]
        shares = lc.get_strategy("netns")
        state = shares.create(lc.Network(type="netns", ns_path=web.path), os.getpid(), lc.NetworkState())
        assert state == lc.NetworkState(ns_path=web.path)

        def there() -> tuple[int, int]:
            shares.initialize(lc.Network(type="netns"), state or lc.NetworkState())
            return netns.Namespace.current().id

        assert netns.Namespace.create().call(there) == netns.Namespace(web.path).id


def test_a_strategy_in_python(host: Host) -> None:
    wires = Wires()
    lc.register_strategy("wires", wires)
    network = lc.Network(type="wires", address="192.0.2.1/24")
    for by_path in (False, True):
        with container() as web:
            state = lc.setup(network, web.path if by_path else web.pid)
            assert state == lc.NetworkState("wire0", "wire1")
            assert web.addresses("wire1")[:1] == ["192.0.2.1/24"] and "wire0" in host.links()
            ip("link", "delete", "wire0")
    assert wires.calls == ["create", "initialize"] * 2
    with container() as web:
        found = lc.get_strategy("wires")
        state = found.create(network, web.pid, lc.NetworkState()) or lc.NetworkState()
        assert netns.Namespace(web.path).call(found.initialize, network, state) == state
        ip("link", "delete", "wire0")


@pytest.mark.parametrize("step", ["create", "initialize"])
@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (LookupError("no such wire"), netns.SystemCallError),
        (netns.ForbiddenError("no more wires"), netns.ForbiddenError),
        (ValueError("long" * 10_000), netns.SystemCallError),
        (NotImplementedError(), netns.NotImplementedError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SystemExit(3), SystemExit),
    ],
)
def test_what_a_strategy_raises_is_the_callers_error(
    host: Host, step: str, raised: BaseException, expected: type[BaseException]
) -> None:
    lc.register_strategy("wires", Wires(step, raised))
    here = netns.Namespace.current().id
    with container() as web:
        with pytest.raises(expected) as caught:
            lc.setup(lc.Network(type="wires", address="192.0.2.1/24"), web.pid)
        if isinstance(caught.value, netns.Error):
            assert caught.value.__cause__ is raised
            assert f"call {step} of wires" in str(caught.value) and len(str(caught.value)) < 5000
            assert "in note" in "".join(traceback.format_exception(caught.value))
        else:
            assert caught.value is raised
        assert host.links() == ["lo"] and web.links() == ["lo"]
    assert netns.Namespace.current().id == here


def test_what_a_strategy_returns_is_checked(host: Host) -> None:
    class Wrong(lc.NetworkStrategy):
        def create(self, network: lc.Network, pid: int, state: lc.NetworkState) -> lc.NetworkState:
            return {"veth_host": "x"}  # type: ignore[return-value]

    class Lies(lc.NetworkStrategy):
        def create(self, network: lc.Network, pid: int, state: lc.NetworkState) -> lc.NetworkState:
            return lc.NetworkState(veth_host="nothing")

    lc.register_strategy("wrong", Wrong())
    lc.register_strategy("lies", Lies())
    lc.register_strategy("none", lc.NetworkStrategy())
    with container() as web:
        with pytest.raises(netns.SystemCallError, match="create returned dict") as raised:
            lc.setup(lc.Network(type="wrong"), web.pid)
        assert isinstance(raised.value.__cause__, TypeError)
        with pytest.raises(netns.NotFoundError, match="nothing"):
            lc.setup(lc.Network(type="lies"), web.pid)
        with pytest.raises(netns.NotImplementedError, match="does not offer create"):
            lc.setup(lc.Network(type="none"), web.pid)


def test_what_cannot_be_leaves_nothing(host: Host) -> None:
    with bridge(), container() as web:
        before = host.links(), web.links()
        cases: list[tuple[type[netns.Error], lc.Network]] = [
            (netns.NotFoundError, lc.Network(type="carrier pigeon")),
            (netns.NotFoundError, lc.Network(type="veth", bridge="br7", veth_prefix="veth")),
            (netns.BadRequestError, lc.Network(type="veth", veth_prefix="veth")),
            (netns.BadRequestError, lc.Network(type="veth", bridge="br0")),
            (netns.BadRequestError, lc.Network(type="veth", bridge="lo", veth_prefix="veth")),
            (netns.BadRequestError, lc.Network(type="veth", bridge="br0", veth_prefix="v" * 10)),
            (netns.BadRequestError, lc.Network(type="veth", bridge="br0", veth_prefix="veth", address="\ud800")),
            (netns.BadRequestError, lc.Network(type="veth", bridge="br0", veth_prefix="veth", mtu=-1)),
            (netns.BadRequestError, lc.Network(type="veth", bridge="br0", veth_prefix="veth", mtu=10**30)),
        ]
        for kind, network in cases:
            with pytest.raises(kind):
                lc.setup(network, web.pid)
        for gone in (2**31 - 1, "/run/nothing"):
            with pytest.raises(netns.NotFoundError):
                lc.setup(VETH, gone)
        for own in (os.getpid(), "/proc/self/ns/net", 0, -1, 2**40, "/dev/null"):
            with pytest.raises(netns.BadRequestError):
                lc.setup(VETH, own)
        assert (host.links(), web.links()) == before


def test_a_wrong_type_is_a_type_error(host: Host) -> None:
    for wrong in (None, True, 1.5, b"/run/x"):
        with pytest.raises(TypeError):
            lc.setup(VETH, wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lc.setup({"type": "veth"}, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lc.get_stats({})  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lc.register_strategy("x", Wires)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lc.Network(mtu="1500")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        lc.NetworkState.from_json(b"{}")  # type: ignore[arg-type]


def test_types_are_registered_once(host: Host) -> None:
    lc.register_strategy("wires", Wires())
    for taken in ("wires", "veth", "loopback", "netns"):
        with pytest.raises(netns.AlreadyExistsError):
            lc.register_strategy(taken, Wires())
    with pytest.raises(netns.BadRequestError):
        lc.register_strategy("", Wires())
    with pytest.raises(netns.NotFoundError, match="known are loopback, netns, veth, wires"):
        lc.get_strategy("pigeon")
    child = os.fork()
    if child == 0:
        try:
            lc.get_strategy("wires")
        except netns.NotFoundError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_the_json_is_that_of_go(host: Host) -> None:
    assert lc.Network().to_json() == "{}" == lc.NetworkState().to_json()
    assert VETH.to_json() == (
        '{"type":"veth","bridge":"br0","veth_prefix":"veth","address":"10.5.0.2/24","gateway":"10.5.0.1","mtu":1400}'
    )
    hostile = lc.NetworkState(veth_host="<a&b>", veth_child="\u2028\\\"\x00é", ns_path="💣")
    assert hostile.to_json() == (
        '{"veth_host":"\\u003ca\\u0026b\\u003e","veth_child":"\\u2028\\\\\\"\\u0000é","ns_path":"💣"}'
    )
    assert lc.NetworkState.from_json(hostile.to_json()) == hostile
    stats = lc.NetworkStats(rx_bytes=2**64 - 1, tx_dropped=1)
    assert stats.to_json() == (
        '{"rx_bytes":18446744073709551615,"rx_packets":0,"rx_errors":0,"rx_dropped":0,'
        '"tx_bytes":0,"tx_packets":0,"tx_errors":0,"tx_dropped":1}'
    )
    assert lc.NetworkStats.from_json(stats.to_json()) == stats and isinstance(stats, netns.Stats)
    assert lc.Network.from_json('{"type": null, "mtu": 0, "other": [1]}') == lc.Network()
    for bad in ("", "[]", "{", '{"mtu": "1"}', '{"mtu": -1}', '{"mtu": 4294967296}', '{"type": 7}', "\ud800"):
        with pytest.raises(ValueError):
            lc.Network.from_json(bad)
    for unreadable in (lc.Network(mtu=2**32), lc.Network(type="\udfff"), lc.NetworkStats(rx_bytes=2**64)):
        with pytest.raises(netns.BadRequestError):
            unreadable.to_json()


def test_containers_that_end_meanwhile_leave_nothing(host: Host) -> None:
    class Ends(lc.NetworkStrategy):
        def __init__(self, web: Container) -> None:
            self.web = web

        def create(self, network: lc.Network, pid: int, state: lc.NetworkState) -> None:
            self.web.end()

        def initialize(self, network: lc.Network, state: lc.NetworkState) -> None:
            pass

    with container() as web:
        lc.register_strategy("ends", Ends(web))
        with pytest.raises(netns.NotFoundError):
            lc.setup(lc.Network(type="ends"), web.pid)
