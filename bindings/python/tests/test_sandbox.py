"""Sandboxes, and what runs inside them."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import threading
import time
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

import pytest
from conftest import Host, eventually

import netns


def here() -> str:
    return os.readlink(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net")


def test_a_with_block_destroys_and_dropping_does_not(host: Host) -> None:
    netns.Sandbox("a")
    gc.collect()
    assert host.sandboxes() == ["a"]
    with netns.Sandbox.open("a") as a:
        assert str(a.path) == "/run/netns/a" and a.name == "a"
    assert host.sandboxes() == []
    a.destroy()
    with pytest.raises(netns.NotFoundError):
        a.info()
    with pytest.raises(KeyboardInterrupt), netns.Sandbox("b"):
        raise KeyboardInterrupt
    assert host.sandboxes() == []
    assert netns.generate_key("0123456789abcdef").as_posix() == "/run/netns/0123456789ab"


def test_programs_run_inside(host: Host) -> None:
    with netns.Sandbox("a") as a:
        inside = f"net:[{a.namespace().id[1]}]"
        assert a.run(["readlink", "/proc/self/ns/net"], capture_output=True, text=True).stdout.strip() == inside
        assert a.run(["cat"], input=b"x", capture_output=True).stdout == b"x"
        assert a.run(["false"]).returncode == 1
        with pytest.raises(subprocess.CalledProcessError):
            a.run(["false"], check=True)
        with pytest.raises(subprocess.TimeoutExpired):
            a.run(["sleep", "60"], timeout=0.05)
        with pytest.raises(FileNotFoundError):
            a.run(["/no such program"])
        with a.popen(["readlink", "/proc/self/ns/net"], stdout=subprocess.PIPE, text=True) as program:
            assert program.communicate()[0].strip() == inside
        assert here() != inside


def test_a_timeout_counts_whoever_holds_the_pipe(host: Host) -> None:
    with netns.Sandbox("a") as a:
        began = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired) as expired:
            a.run(["sh", "-c", "echo said; sleep 600 & echo $! >/run/pid; wait"], capture_output=True, timeout=0.5)
        assert time.monotonic() - began < 300 and expired.value.stdout == b"said\n"
        os.kill(int(Path("/run/pid").read_text()), signal.SIGKILL)


def test_input_and_output_are_given_once(host: Host) -> None:
    with netns.Sandbox("a") as a:
        for wrong in (
            {"input": b"x", "stdin": subprocess.DEVNULL},
            {"capture_output": True, "stdout": subprocess.DEVNULL},
            {"capture_output": True, "stderr": subprocess.DEVNULL},
        ):
            with pytest.raises(ValueError, match="one of them|it or them"):
                a.run(["cat"], **wrong)
        assert a.run(["cat"], input=b"x", stdin=None, stdout=subprocess.PIPE).stdout == b"x"


def test_functions_run_inside_on_a_thread(host: Host) -> None:
    home = here()
    with netns.Sandbox("a") as a:
        inside = f"net:[{a.namespace().id[1]}]"
        assert a.call(here) == inside
        assert a.call(lambda x, y: x + y, 1, y=2) == 3
        with pytest.raises(ZeroDivisionError):
            a.call(lambda: 1 // 0)
        with pytest.raises(SystemExit):
            a.call(lambda: exit(3))
        assert here() == home


def test_the_thread_is_inside_and_comes_back_whatever_happens(host: Host) -> None:
    home = here()
    with netns.Sandbox("a") as a, netns.Sandbox("b") as b:
        inside = [f"net:[{each.namespace().id[1]}]" for each in (a, b)]
        with a.enter():
            assert here() == inside[0]
            with b.enter():
                assert here() == inside[1]
            assert here() == inside[0]
        assert here() == home
        for raised in (ValueError, KeyboardInterrupt, SystemExit):
            with pytest.raises(raised), a.enter():
                raise raised
            assert here() == home
        entered = a.enter()
        with entered:
            with pytest.raises(netns.BusyError), entered:
                raise AssertionError("entered twice")
            refused: list[BaseException] = []
            thread = threading.Thread(target=lambda: _leave(entered, refused))
            thread.start()
            thread.join()
            assert [type(each) for each in refused] == [netns.ForbiddenError]
            assert here() == inside[0]
        assert here() == home


def _leave(entered: object, refused: list[BaseException]) -> None:
    try:
        entered.__exit__(None, None, None)  # type: ignore[attr-defined]
    except netns.Error as error:
        refused.append(error)


def test_a_socket_that_is_opened_inside_stays_there(host: Host) -> None:
    with netns.Sandbox("a") as a, netns.Sandbox("b") as b:
        network = netns.Network("n", netns.NetworkOptions(gateway=IPv4Interface("10.7.0.1/24")))
        network.join(a, "a", address="10.7.0.2/24")
        network.join(b, "b", address="10.7.0.3/24")
        with a.enter():
            server = socket.create_server(("10.7.0.2", 80))
        client = b.call(socket.create_connection, ("10.7.0.2", 80), 5)
        accepted, (peer, _) = server.accept()
        assert peer == "10.7.0.3"
        for each in (server, client, accepted):
            each.close()
    network.delete()


def test_ctrl_c_ends_what_runs_inside(host: Host) -> None:
    home = here()
    with netns.Sandbox("a") as a:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            a.run(["sleep", "60"])
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt), a.enter():
            threading.Event().wait(60)
        assert here() == home


def test_the_foundation_joins_with_addresses_of_the_callers(host: Host) -> None:
    network = netns.Network("n", netns.NetworkOptions(gateway=IPv4Interface("10.7.0.1/24"), mtu=1400))
    assert (network.name, network.type, network.bridge, network.mtu) == ("n", "bridge", "br-n", 1400)
    with netns.Sandbox("a") as a:
        plan = network.plan_join(a, "e", address="10.7.0.2/24")
        assert a.interfaces() == ()
        network.apply(plan, a)
        [interface] = a.interfaces()
        assert (interface.name, interface.address) == ("eth0", IPv4Interface("10.7.0.2/24"))
        assert str(a.info().gateway) == "10.7.0.1"
        route = netns.StaticRoute(IPv4Network("192.0.2.0/24"), interface.address and next(interface.address.network.hosts()))
        a.add_static_route(route)
        assert a.info().routes == (route,)
        a.remove_static_route(route)
        assert a.info().routes == ()
        a.set_gateway("10.7.0.9")
        assert str(a.info().gateway) == "10.7.0.9"
        with pytest.raises(netns.BadRequestError):
            a.set_gateway("fd00::1")
        with pytest.raises(TypeError):
            a.set_gateway_ipv6(5)  # type: ignore[arg-type]
        a.remove_interface(interface)
        assert a.interfaces() == ()
        network.unlink("e")
        [waiting] = network.link("f", address="10.7.0.4/24")
        moved = a.add_interface(waiting)
        assert moved.name == "eth0" and [each["ifname"] for each in host.ip_in("a", "link")] == ["lo", "eth0"]
        with pytest.raises(netns.BusyError):
            network.delete()
    eventually(lambda: host.links() == ["br-n", "lo"])
    network.delete()


def test_namespaces_have_identities(host: Host) -> None:
    namespace = netns.Namespace.create()
    assert namespace.id != netns.Namespace.current().id == netns.Namespace.from_pid(os.getpid()).id
    namespace.persist("/run/mine/x")
    assert netns.Namespace("/run/mine/x").id == namespace.id
    assert namespace.call(here) == f"net:[{os.fstat(namespace.fileno()).st_ino}]"
    netns.Namespace.forget("/run/mine/x")
    with pytest.raises(netns.NotFoundError):
        netns.Namespace("/run/mine/x")
    with pytest.raises(netns.BadRequestError):
        netns.Namespace("/etc/hostname")


def test_a_descriptor_names_a_namespace(host: Host) -> None:
    with netns.Sandbox("a") as a, open("/run/netns/a") as file, open("/dev/null") as other:
        assert netns.Namespace.from_fd(file.fileno()).id == a.namespace().id
        with pytest.raises(netns.BadRequestError):
            netns.Namespace.from_fd(other.fileno())
        with pytest.raises(netns.NotFoundError):
            netns.Namespace.from_fd(1_000_000)
        with pytest.raises(netns.BadRequestError):
            netns.Namespace.from_fd(-1)
        with pytest.raises(TypeError):
            netns.Namespace.from_fd(file)  # type: ignore[arg-type]


def test_a_network_says_what_it_was_made_with(host: Host) -> None:
    options = netns.NetworkOptions(bridge="br7", gateway=IPv4Interface("10.7.0.1/24"), hairpin=True)
    network = netns.Network("n", options)
    assert network.options == options
    network.delete()
