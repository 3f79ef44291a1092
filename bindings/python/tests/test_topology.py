"""Labs of several hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, eventually

import netns
from netns.topology import Attachment, Link, Segment
from netns.topology import Host as LabHost


@contextmanager
def leaving_nothing() -> Iterator[Path]:
    """A directory for labs, which is empty at the end, and under which nothing is mounted."""
    place = Path("/run/labs")
    place.mkdir()
    mounted = mounts()
    yield place
    assert mounts() == mounted and os.listdir(place) == []
    place.rmdir()


def mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def reaches(sandbox: netns.Sandbox, address: object) -> bool:
    command = ["ping", "-n", "-q", "-c1", "-W2", str(address)]
    return sandbox.run(command, stdout=subprocess.DEVNULL).returncode == 0


def inside(sandbox: netns.Sandbox, *args: str) -> Any:
    return json.loads(sandbox.run(["ip", "-j", *args], capture_output=True, check=True).stdout)


def test_two_hosts_in_one_network(host: Host) -> None:
    with leaving_nothing() as place, netns.Topology(networks={"lan": ["a", "b"]}, directory=place) as lab:
        assert (lab.address("a"), lab.address("b")) == (IPv4Address("10.0.1.1"), IPv4Address("10.0.1.2"))
        assert list(lab) == ["a", "b"] and len(lab) == 2 and set(lab.hosts) == {"a", "b"}
        assert reaches(lab["a"], lab.address("b"))
        assert [each["ifname"] for each in inside(lab["a"], "link")] == ["lo", "eth0"]
        assert host.links() == ["lo"] and host.sandboxes() == []
        assert not os.path.exists("/run/libnetns")
        with pytest.raises(netns.NotFoundError):
            lab["c"]
    with pytest.raises(netns.ClosedError):
        lab["a"]


def test_routers_pass_on_both_families(host: Host) -> None:
    lab = netns.Topology(
        hosts={"client": {"gateway": "r1"}, "r1": {"routes": {"right": "r2"}}, "r2": {"gateway": "r1"}, "server": {"gateway": "r2"}},
        networks={
            "left": {"hosts": ["r1", "client"], "subnet": "192.0.2.0/24", "ipv6": True, "mtu": 1400},
            "right": {"hosts": ["r2", {"host": "server", "address": "10.9.0.77"}], "subnet": "10.9.0.0/16", "ipv6": True},
        },
        links=[Link(Attachment("r1", interface="up0"), Attachment("r2", mac="02:00:00:00:00:09"), ipv6=True)],
    )
    with leaving_nothing(), lab:
        assert lab.address("server") == IPv4Address("10.9.0.77")
        assert lab.address("r1", "r1-r2") != lab.address("r1", "left")
        assert reaches(lab["client"], lab.address("server")) and reaches(lab["client"], lab.address_ipv6("server"))
        links = {name: {each["ifname"]: each for each in inside(lab[name], "link")} for name in ("client", "r1", "r2")}
        assert links["client"]["eth0"]["mtu"] == 1400 and "up0" in links["r1"]
        assert "02:00:00:00:00:09" in [each["address"] for each in links["r2"].values()]


def test_a_default_gateway_is_of_all_families(host: Host) -> None:
    lab = netns.Topology(
        hosts={"client": LabHost(gateway="router"), "server": LabHost(gateway="router")},
        networks={
            "left": Segment((Attachment("router"), Attachment("client")), ipv6=True),
            "right": Segment((Attachment("router"), Attachment("server")), ipv6=True),
        },
    )
    with leaving_nothing(), lab:
        assert reaches(lab["client"], lab.address("server")) and reaches(lab["client"], lab.address_ipv6("server"))
        [default] = inside(lab["client"], "route", "show", "default")
        assert default["gateway"] == str(lab.address("router", "left"))
        assert isinstance(lab.address_ipv6("client"), IPv6Address)
        with lab["client"].enter():
            assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "0\n"


def test_a_router_can_be_told_not_to_forward(host: Host) -> None:
    networks = {"left": ["router", "client"], "right": ["router", "server"]}
    hosts: dict[str, Any] = {name: {"gateway": "router"} for name in ("client", "server")}
    with netns.Topology(hosts={**hosts, "router": {"forwarding": False}}, networks=networks) as lab:
        assert not reaches(lab["client"], lab.address("server"))
        assert reaches(lab["client"], lab.address("router", "right"))


def test_many_may_be_up_at_once_and_one_again(host: Host) -> None:
    with leaving_nothing() as place:
        labs = [netns.Topology(networks={"lan": ["a", "b"]}, directory=place) for _ in range(5)]
        for lab in labs:
            assert lab.up() is lab.up()
        assert len({lab["a"].namespace().id for lab in labs}) == 5
        assert all(reaches(lab["a"], lab.address("b")) for lab in labs)
        for lab in labs:
            lab.down()
            lab.down()
        with labs[0]:
            assert reaches(labs[0]["a"], labs[0].address("b"))


def test_many_threads_bring_labs_up(host: Host) -> None:
    def live(_: int) -> bool:
        with netns.Topology(networks={"lan": ["a", "b"]}, directory="/run/labs") as lab:
            return reaches(lab["a"], lab.address("b"))

    with leaving_nothing(), ThreadPoolExecutor(8) as pool:
        assert all(pool.map(live, range(24)))


def test_processes_inside_end_with_the_lab(host: Host) -> None:
    with leaving_nothing() as place, netns.Topology(hosts=["a"], directory=place) as lab:
        plain = lab["a"].popen(["sleep", "600"])
        deaf = lab["a"].popen(["sh", "-c", "trap '' TERM; echo; while :; do sleep 600; done"], stdout=subprocess.PIPE)
        assert deaf.stdout is not None and deaf.stdout.readline() == b"\n"
    assert (plain.wait(), deaf.wait()) == (-signal.SIGTERM, -signal.SIGKILL)
    deaf.stdout.close()


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_inside_tears_it_down(host: Host, raised: type[BaseException]) -> None:
    with leaving_nothing() as place, pytest.raises(raised):
        with netns.Topology(networks={"lan": ["a", "b"]}, directory=place):
            raise raised


def test_an_error_half_way_leaves_nothing(host: Host) -> None:
    networks: dict[str, Any] = {"one": ["a", "b"], "two": [{"host": "a", "interface": "eth0"}, "b"]}
    with leaving_nothing() as place:
        lab = netns.Topology(networks=networks, directory=place)
        before = os.readlink("/proc/thread-self/ns/net")
        for _ in range(2):
            with pytest.raises(netns.AlreadyExistsError):
                lab.up()
            assert os.readlink("/proc/thread-self/ns/net") == before and os.listdir(place) == []
    with pytest.raises(FileNotFoundError):
        netns.Topology(hosts=["a"], directory="/run/nowhere").up()


def test_what_a_killed_process_left_goes_with_the_next_lab(host: Host) -> None:
    program = (
        "import netns, os, signal\n"
        "netns.Topology(networks={'lan': ['a', 'b']}, directory='/run/labs').up()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with leaving_nothing() as place:
        alive = netns.Topology(hosts=["x"], directory=place).up()
        subprocess.run([sys.executable, "-c", program], check=False)
        assert len(os.listdir(place)) == 2 and len([each for each in mounts() if "netns-lab" in each]) >= 3
        with netns.Topology(hosts=["c"], directory=place) as lab:
            assert sorted(os.listdir(place)) == sorted([lab.path.name, alive.path.name])
        assert alive["x"].info() is not None
        alive.down()


def test_a_forked_process_tears_nothing_down(host: Host) -> None:
    with leaving_nothing() as place, netns.Topology(hosts=["a"], directory=place) as lab:
        child = os.fork()
        if child == 0:
            lab.down()
            os._exit(0 if os.path.exists(lab.path) else 1)
        assert os.waitpid(child, 0)[1] == 0
        eventually(lambda: lab["a"].run(["true"]).returncode == 0)


DEAF = ["sh", "-c", "trap '' TERM; echo; while :; do sleep 600; done"]
"""A program that SIGTERM does not end; it writes a line when it is so far."""


def test_a_lab_goes_whole_after_a_host_of_it_was_destroyed(host: Host) -> None:
    with leaving_nothing() as place, netns.Topology(networks={"lan": ["a", "b"]}, directory=place) as lab:
        first, second = (lab[name].popen(["sleep", "600"]) for name in ("a", "b"))
        lab["a"].destroy()
        lab["a"].destroy()
        assert first.poll() is None and len(lab.namespaces()) == 3
    assert (first.wait(10), second.wait(10)) == (-signal.SIGTERM, -signal.SIGTERM)
    assert lab.namespaces() == []


def test_a_host_that_was_destroyed_is_gone_for_the_others(host: Host) -> None:
    with leaving_nothing(), netns.Topology(networks={"lan": ["a", "b"]}) as lab:
        assert reaches(lab["b"], lab.address("a"))
        lab["a"].destroy()
        eventually(lambda: not reaches(lab["b"], lab.address("a")))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_interruption_of_the_end_kills_what_is_inside(host: Host, kind: type[BaseException]) -> None:
    def interrupt(*_: object) -> None:
        raise kind

    with leaving_nothing() as place:
        lab = netns.Topology(hosts=["a", "b"], directory=place).up()
        programs = [lab[name].popen(DEAF, stdout=subprocess.PIPE) for name in lab]
        for program in programs:
            assert program.stdout is not None and program.stdout.readline() == b"\n"
        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.3)  # within the two seconds
        with pytest.raises(kind):
            lab.down()
        assert [program.wait(10) for program in programs] == [-signal.SIGKILL] * 2
        with pytest.raises(netns.ClosedError):
            lab["a"]
        lab.down()
        for program in programs:
            assert program.stdout is not None
            program.stdout.close()


def test_what_goes_wrong_at_the_end_can_be_done_again(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise KeyboardInterrupt

    with leaving_nothing() as place:
        lab = netns.Topology(hosts=["a", "b"], directory=place).up()
        program = lab["b"].popen(["sleep", "600"])
        with monkeypatch.context() as patched:
            patched.setattr(lab._workplace, "remove", fails)
            with pytest.raises(KeyboardInterrupt):
                lab.down()
        assert program.wait(10) == -signal.SIGTERM and len(os.listdir(place)) == 1
        lab.down()


@pytest.mark.parametrize("hosts", [{"b", "a"}, frozenset("ab"), ("a", "b"), (name for name in "ab")], ids=repr)
def test_any_iterable_of_hosts_is_a_network(hosts: Any) -> None:
    lab = netns.Topology(networks={"lan": hosts})
    assert (str(lab.address("a")), str(lab.address("b"))) == ("10.0.1.1", "10.0.1.2")


def test_a_gateway_counts_for_families_of_different_networks(host: Host) -> None:
    lab = netns.Topology(
        hosts={"c": {"gateway": "r"}, "s": {"gateway": "r"}},
        networks={
            "four": ["r", "c"],
            "six": {"hosts": ["r", "c"], "ipv4": False, "ipv6": True},
            "far": {"hosts": ["r", "s"], "ipv6": True},
        },
    )
    with leaving_nothing(), lab:
        assert reaches(lab["c"], lab.address("s")) and reaches(lab["c"], lab.address_ipv6("s"))
        [default] = inside(lab["c"], "-6", "route", "show", "default")
        assert default["gateway"] == str(lab.address_ipv6("r", "six"))


BAD: list[tuple[dict[str, Any], type[BaseException], str]] = [
    ({"hosts": {"a": {"gateway": "b"}}}, netns.BadRequestError, "route by b"),
    ({"hosts": {"a": {"gateway": "b"}, "b": {}}}, netns.BadRequestError, "share no such address"),
    ({"hosts": {"a": {"routes": {"nowhere": "10.0.0.1"}}}}, netns.BadRequestError, "neither a network"),
    ({"hosts": {"a": {"gateway": 7}}}, TypeError, "str expected"),
    ({"hosts": 5}, TypeError, "hosts: mapping expected"),
    ({"hosts": "ab"}, TypeError, "hosts: mapping expected"),
    ({"networks": {"n": ["../x"]}}, netns.BadRequestError, r"\.\./x"),
    ({"networks": {"n": ["a/b"]}}, netns.BadRequestError, "a/b"),
    ({"hosts": [""]}, netns.BadRequestError, "empty"),
    ({"hosts": ["a" * 100]}, netns.BadRequestError, "64 bytes"),
    ({"networks": {"n": {"mtu": 5}}}, netns.BadRequestError, "68 to 65535"),
    ({"networks": {"n": {"mtu": 10**9}}}, netns.BadRequestError, "68 to 65535"),
    ({"networks": {"n": {"mtu": 1000, "ipv6": True}}}, netns.BadRequestError, "1280 to 65535"),
    ({"networks": {"n": [{"host": "a", "mac": "junk"}]}}, netns.BadRequestError, "junk"),
    ({"networks": {"n": [{"host": "a", "interface": "i" * 40}]}}, netns.BadRequestError, "a in n"),
    ({"networks": {"n": {"subnet": "0.0.0.0/0"}}}, netns.BadRequestError, "no addresses for hosts"),
    ({"networks": {"n": {"subnet": "224.0.0.0/24"}}}, netns.BadRequestError, "no addresses for hosts"),
    ({"networks": {"n": [{"host": "a", "address": "10.0.1.255"}]}}, netns.BadRequestError, "no host's"),
    ({"networks": {"n": [{"host": "a", "address": "10.0.1.0"}]}}, netns.BadRequestError, "no host's"),
    ({"hosts": {"a": {"gateway": "192.0.2.1"}}, "networks": {"n": ["a"]}}, netns.BadRequestError, "in none of its"),
    ({"networks": {"n": ["a", "a"]}}, netns.BadRequestError, "twice"),
    ({"networks": {"n": 5}}, TypeError, "Segment expected"),
    ({"networks": {"n": {"subnet": "10.0.0.0/30", "hosts": ["a", "b", "c"]}}}, netns.BadRequestError, "too few"),
    ({"networks": {"n": {"subnet": "10.0.0.1/30"}}}, netns.BadRequestError, "host bits"),
    ({"networks": {"n": [{"host": "a", "address": "192.0.2.1"}]}}, netns.BadRequestError, "not in"),
    ({"networks": {"n": [{"host": "a", "address_ipv6": "fd00::1"}]}}, netns.BadRequestError, "family"),
    ({"networks": {"n": {"subnet": "10.0.0.0/8"}, "m": {"subnet": "10.1.0.0/16"}}}, netns.BadRequestError, "overlaps"),
    ({"networks": {"n": {"subnet": "10.0.0.0/8"}, "m": ["a"]}}, netns.BadRequestError, "no subnet is free"),
    ({"links": [("a", "a")]}, netns.BadRequestError, "itself"),
    ({"links": [("a", "b"), ("a", "b")]}, netns.BadRequestError, "two networks"),
    ({"links": [("a", "b", "c")]}, netns.BadRequestError, "two hosts"),
]


@pytest.mark.parametrize(("description", "kind", "text"), BAD)
def test_a_description_that_contradicts_itself_is_refused(
    host: Host, description: dict[str, Any], kind: type[BaseException], text: str
) -> None:
    with pytest.raises(kind, match=text):
        netns.Topology(**description)
