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


BAD: list[tuple[dict[str, Any], type[BaseException], str]] = [
    ({"hosts": {"a": {"gateway": "b"}}}, netns.BadRequestError, "route by b"),
    ({"hosts": {"a": {"gateway": "b"}, "b": {}}}, netns.BadRequestError, "share no such address"),
    ({"hosts": {"a": {"routes": {"nowhere": "10.0.0.1"}}}}, netns.BadRequestError, "neither a network"),
    ({"hosts": {"a": {"gateway": 7}}}, TypeError, "str expected"),
    ({"hosts": 5}, TypeError, "hosts: mapping expected"),
    ({"hosts": "ab"}, TypeError, "hosts: mapping expected"),
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
