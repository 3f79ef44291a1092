"""The programs of ``examples/python`` do what they say, and leave nothing."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Host
from shown import ROOT, pieces

EXAMPLES = ROOT / "examples/python"


def output(example: str, *arguments: str) -> str:
    """What an example prints."""
    command = [sys.executable, str(EXAMPLES / example), *arguments]
    done = subprocess.run(command, cwd="/run", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    unmetered = "interfaces are not metered: "  # where bpf is not permitted
    assert [line for line in done.stderr.splitlines() if not line.startswith(unmetered)] == []
    return done.stdout


def test_the_quick_start_is_the_readmes(host: Host) -> None:
    [shown] = pieces("README.md")
    about, _, program = (EXAMPLES / "quickstart.py").read_text().partition("\n\n")
    assert about.startswith('"""') and program == shown
    said = output("quickstart.py")
    assert said.count("demo has ") == 2 and "/run/netns/web has eth0\n" in said and "1 received" in said


def test_a_page_comes_by_way_of_the_router(host: Host) -> None:
    said = output("routing_lab.py")
    assert "hello 192.0.2.2\n" in said and "198.51.100.2 via 192.0.2.1 dev eth0" in said
    assert not Path("/run/libnetns").exists()


def test_the_driver_lays_wires(host: Host) -> None:
    said = output("driver.py")
    assert re.search(r"^a has eth0, 172\.17\.0\.2/\d+$", said, re.MULTILINE)
    assert "default via 169.254.1.1 dev eth0" in said and "1 received" in said
    assert "the wire is cut" in said and "endpoint a leaves" in said


def test_a_container_gets_its_network(host: Host) -> None:
    said = output("container.py")
    assert re.search(r"^web is creating, process \d+$", said, re.MULTILINE) and "1 received" in said
    assert "default via 10.30.0.1 dev eth0" in said and "10.31.0.0/16 via 10.30.0.1 dev eth0" in said
    assert said.endswith("taken down: lo is left\n")


def test_counters_are_plotted(host: Host) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    said = output("live_counters.py", "/run/counters.png", "0.5")
    assert re.match(r"/run/counters.png: \d+ samples, \d+ datagrams", said)
    assert Path("/run/counters.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
