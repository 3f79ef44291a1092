"""Links of the thread's own namespace, changed one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest
from conftest import Host
from containers import bridge, container, ip

import netns
from netns import libcontainer as lc


def link(host: Host, name: str) -> Any:
    [shown] = host.ip("link", "show", "dev", name)
    return shown


def test_a_pair_is_made_and_configured_step_by_step(host: Host) -> None:
    with bridge() as name, container() as web:
        lc.create_veth_pair("out", "in")
        assert link(host, "out")["operstate"] == "DOWN" and link(host, "in")["num_tx_queues"] == 1
        lc.set_mtu("in", 1400)
        assert link(host, "in")["mtu"] == 1400
        lc.set_interface_master("out", name)
        lc.set_interface_master("out", name)  # again is no error
        assert link(host, "out")["master"] == name
        lc.interface_up("out")
        lc.set_interface_in_namespace_pid("in", web.pid)
        assert web.links() == ["in", "lo"] and "in" not in host.links()

        def inside() -> None:
            lc.change_interface_name("in", "eth0")
            lc.set_interface_ip("eth0", "10.5.0.2/24")
            lc.set_interface_ip("eth0", ip_interface("fd05::2/64"))
            lc.interface_up("eth0")
            lc.set_default_gateway("10.5.0.1", "eth0")
            lc.set_default_gateway(ip_address("fd05::1"), "eth0")

        netns.Namespace(web.path).call(inside)
        assert {"10.5.0.2/24", "fd05::2/64"} <= set(web.addresses("eth0"))
        assert [route["gateway"] for route in web.ip("route", "show", "default")] == ["10.5.0.1"]
        assert [route["gateway"] for route in web.ip("-6", "route", "show", "default")] == ["fd05::1"]
        assert "0% packet loss" in web.run("ping", "-c1", "-W5", "10.5.0.1")
        netns.Namespace(web.path).call(lc.interface_down, "eth0")
        assert "UP" not in web.ip("link", "show", "eth0")[0]["flags"]
        assert host.links() == ["br0", "lo", "out"]
        ip("link", "delete", "out")


def test_a_link_moves_to_a_descriptor(host: Host) -> None:
    with container() as web:
        lc.create_veth_pair("a", "b")
        lc.set_interface_in_namespace_fd("a", netns.Namespace(web.path))
        with open(web.path) as file:
            lc.set_interface_in_namespace_fd("b", file.fileno())
        assert web.links() == ["a", "b", "lo"] and host.links() == ["lo"]


def test_a_link_that_is_refused_is_as_it_was(host: Host) -> None:
    lc.create_veth_pair("a", "b")
    before = host.ip("address")
    refused: list[tuple[type[netns.Error], Callable[[], None]]] = [
        (netns.NotFoundError, lambda: lc.interface_up("c")),
        (netns.NotFoundError, lambda: lc.set_mtu("c", 1400)),
        (netns.NotFoundError, lambda: lc.set_interface_in_namespace_pid("a", 2**31 - 1)),
        (netns.NotFoundError, lambda: lc.set_interface_in_namespace_fd("a", 1_000_000)),
        (netns.AlreadyExistsError, lambda: lc.create_veth_pair("a", "c")),
        (netns.AlreadyExistsError, lambda: lc.change_interface_name("a", "b")),
        (netns.BadRequestError, lambda: lc.create_veth_pair("c", "c")),
        (netns.BadRequestError, lambda: lc.set_mtu("a", 1)),
        (netns.BadRequestError, lambda: lc.set_mtu("a", -1)),
        (netns.BadRequestError, lambda: lc.set_interface_ip("a", "10.0.0.1")),
        (netns.BadRequestError, lambda: lc.set_interface_ip("a", "fe80::1%a/64")),
        (netns.BadRequestError, lambda: lc.set_interface_ip("a", ip_interface("224.0.0.1/4"))),
        (netns.BadRequestError, lambda: lc.set_default_gateway("10.0.0.1", "a")),
        (netns.BadRequestError, lambda: lc.set_default_gateway("nowhere", "a")),
        (netns.BadRequestError, lambda: lc.set_interface_master("a", "b")),
        (netns.BadRequestError, lambda: lc.set_interface_in_namespace_pid("a", 0)),
    ]
    for kind, ask in refused:
        with pytest.raises(kind):
            ask()
    with open("/dev/null") as file, pytest.raises(netns.BadRequestError):
        lc.set_interface_in_namespace_fd("a", file)
    assert host.ip("address") == before
    ip("link", "delete", "dev", "a")


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 16, "a b", "a\nb", "a\0b", "%d", "\ud800", "💣💣💣💣"])
def test_a_hostile_name_is_refused(host: Host, name: str) -> None:
    for ask in (lc.interface_up, lc.interface_down, lambda name: lc.create_veth_pair("a", name)):
        with pytest.raises(ValueError):
            ask(name)
    assert host.links() == ["lo"]


def test_a_wrong_type_is_a_type_error(host: Host) -> None:
    wrong: list[Callable[[], None]] = [
        lambda: lc.interface_up(7),  # type: ignore[arg-type]
        lambda: lc.set_mtu("lo", "1500"),  # type: ignore[arg-type]
        lambda: lc.set_mtu("lo", True),
        lambda: lc.set_interface_ip("lo", ip_address("10.0.0.1")),  # type: ignore[arg-type]
        lambda: lc.set_default_gateway(7, "lo"),  # type: ignore[arg-type]
        lambda: lc.set_interface_in_namespace_fd("lo", "0"),  # type: ignore[arg-type]
        lambda: lc.set_interface_in_namespace_pid("lo", 1.0),  # type: ignore[arg-type]
    ]
    for ask in wrong:
        with pytest.raises(TypeError):
            ask()


def test_threads_change_links_of_their_own_namespaces(host: Host) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with netns.Namespace.create().enter():
                for number in range(20):
                    lc.create_veth_pair(f"a{number}", "b")
                    lc.change_interface_name("b", f"b{number}")
                    lc.interface_up(f"a{number}")
        except BaseException as raised:
            failures.append(raised)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and host.links() == ["lo"]
