"""The pytest plugin, as who installed the package has it: in a process of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from conftest import Host

import netns

HEAD = """
import os, subprocess
from pathlib import Path
import pytest
import netns
"""


def outcome(tests: str, *arguments: str, around: str = "exec") -> str:
    """What pytest says of tests, and what shell commands around it do; nothing of theirs is left afterwards."""
    place, temporary = Path("/run/tests"), Path("/run/tmp")
    for each in (place, temporary):
        each.mkdir(exist_ok=True)
    (place / "test_it.py").write_text(HEAD + textwrap.dedent(tests))
    mounted = mount_points()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(place), *arguments]
    script = f"{around} {shlex.join([*command, str(place)])}"
    done = subprocess.run(
        ["sh", "-c", script],
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=place,
        capture_output=True,
        text=True,
    )
    assert done.stderr == "" and os.listdir(temporary) == [], done.stderr
    assert mount_points() <= mounted | {"/run/netns", "/run/netns/stray"}
    return done.stdout


def mount_points() -> set[str]:
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def test_each_test_has_a_fresh_host(host: Host) -> None:
    said = outcome("""
        home = os.readlink("/proc/self/ns/net")
        seen = []

        @pytest.mark.parametrize("turn", range(3))
        def test_fresh(netns_host, turn):
            here = os.readlink("/proc/self/ns/net")
            assert here != home and netns_host.links() == []
            seen.append(here)
            up = subprocess.run(["ip", "-br", "link", "show", "up"], capture_output=True, text=True, check=True).stdout
            assert [line.split()[0] for line in up.splitlines()] == ["lo"]
            with netns_host.controller() as controller, netns_host.sandbox("a") as a:
                controller.create_network("n")
                controller.connect("n", a, "e")
                assert netns_host.links() and not Path("/run/libnetns").exists()
                controller.disconnect("n", "e")
                controller.delete_network("n")
            with netns.Controller(from_env=True) as controller:
                assert all(netns_host.path in each.parents for each in controller.directories)

        def test_home():
            assert os.readlink("/proc/self/ns/net") == home and len(seen) == 3
            assert "NETNS_RUN_DIR" not in os.environ
    """)
    assert "4 passed" in said and "left behind" not in said


def test_counters_of_a_test_are_its_own(host: Host) -> None:
    said = outcome("""
        def test_counters(netns_host):
            controller = netns_host.controller()
            try:
                meter = controller.meter()
            except netns.Error as error:
                pytest.skip(f"no counters: {error}")
            assert len(meter.snapshot()) == 0
            assert not Path("/sys/fs/bpf/libnetns").exists()
    """, "-rs")
    if "1 skipped" in said:
        pytest.skip("no counters: bpf is not permitted")
    assert "1 passed" in said and "left behind" not in said


def test_labs_go_with_the_test(host: Host) -> None:
    said = outcome("""
        labs = []

        def test_lab(netns_topology):
            labs.extend(netns_topology(networks={"lan": ["a", "b"]}) for _ in range(2))
            for lab in labs:
                lab["a"].run(["ping", "-nqc1", "-W2", str(lab.address("b"))], check=True)

        def test_failing_lab(netns_topology):
            labs.append(netns_topology(hosts=["a"]))
            raise ValueError("as planned")

        def test_down():
            for lab in labs:
                with pytest.raises(netns.ClosedError):
                    lab.path
    """)
    assert "2 passed" in said and "1 failed" in said and "as planned" in said and "left behind" not in said


LEAKING = """
    def test_clean(netns_host):
        pass

    def test_leaks(netns_host, netns_topology):
        with netns_host.controller() as controller:
            controller.create_network("n")
            web = netns_host.sandbox("web")
            controller.connect("n", web, "e")
        subprocess.run(["ip", "link", "add", "d0", "type", "bridge"], check=True)
        web.popen(["sleep", "600"])
        subprocess.Popen(["sleep", "600"])
        netns_topology(hosts=["a"])["a"].popen(["sleep", "600"])
        raise ValueError("as planned")

    def test_stray(netns_topology):
        netns.Sandbox("stray")
        subprocess.run(["ip", "link", "add", "d1", "type", "bridge"], check=True)

    def test_clean_after(netns_host):
        assert netns_host.links() == []
"""


def test_the_summary_says_who_left_what(host: Host) -> None:
    said = outcome(LEAKING)
    assert "3 passed" in said and "1 failed" in said
    summary = said.split("left behind (netns)")[1]
    first, second = [line for line in summary.splitlines() if line.startswith("test_it.py::")]
    assert first.startswith("test_it.py::test_leaks: ")
    assert first.count("process ") == 3 and "namespace sandboxes/web" in first
    assert "link d0" in first and "link br-n" in first and "mount" not in first
    assert second == "test_it.py::test_stray: link d1 of the machine, mount /run/netns/stray"
    subprocess.run(["ip", "link", "delete", "d1"], check=True)
    subprocess.run(["ip", "netns", "delete", "stray"], check=True)


def test_leaving_something_can_be_an_error(host: Host) -> None:
    said = outcome(LEAKING.replace("def test_stray", "def stray"), "--netns-leaks=error")
    assert "2 passed" in said and "1 failed" in said and "1 error" in said
    assert "ERROR test_it.py::test_leaks - " in said and "left behind: process" in said


OWN_PROCESSES = "unshare --pid --fork --mount-proc --kill-child"
"""Whoever is killed there is no process of the machine's."""


def test_processes_of_others_live_on(host: Host) -> None:
    """Whatever namespace a test mounts where its own things are."""
    if subprocess.run([*OWN_PROCESSES.split(), "true"], capture_output=True).returncode != 0:
        pytest.skip("no process namespace with a /proc of its own is permitted")
    with netns.Sandbox("other"):
        program = Path("/run/around.sh")
        program.write_text("""
            sleep 600 & shell=$!
            ip netns exec other sleep 600 & stranger=$!
            "$@"
            kill -0 $shell && kill -0 $stranger && echo both live
            kill $shell $stranger
        """)
        said = outcome("""
            def test_mounts(netns_host):
                assert not Path("/proc/10000").exists()
                netns.Namespace.from_pid(1).persist(netns_host.path / "first")
                netns.Namespace.from_pid(os.getppid()).persist(netns_host.path / "outer")
                netns.Namespace("/run/netns/other").persist(netns_host.path / "other")
                own = netns.Namespace.create()
                own.persist(netns_host.path / "own")
                own.popen(["sleep", "600"])
                netns_host.inside.popen(["sleep", "600"])
        """, around=f"exec {OWN_PROCESSES} sh {program}")
    assert "1 passed" in said and said.endswith("both live\n")
    [line] = [line for line in said.splitlines() if line.startswith("test_it.py::")]
    assert line.count("process ") == 2 and all(f"namespace {name}" in line for name in ("first", "outer", "other", "own"))


def test_a_test_may_destroy_its_own_host(host: Host) -> None:
    said = outcome("""
        def test_destroys(netns_host, netns_topology):
            netns_host.inside.popen(["sleep", "600"])
            netns_host.inside.destroy()
            lab = netns_topology(hosts=["a", "b"])
            lab["a"].popen(["sleep", "600"])
            lab["a"].destroy()
    """)
    assert "1 passed" in said and said.count("process ") == 2
