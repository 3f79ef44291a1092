"""The fixtures for those who test their own programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import Host

TESTS = '''
import os, pytest, netns

def here():
    return os.readlink("/proc/thread-self/ns/net")

HOME = here()

def test_passes(netns_host):
    assert here() != HOME
    netns_host.controller.create_network("n")
    with netns_host.sandbox("a") as a:
        netns_host.controller.connect("n", a, "e")
    netns_host.controller.delete_network("n")

def test_is_back():
    assert here() == HOME

def test_leaks(netns_host):
    netns_host.controller.create_network("n")
    netns_host.controller.connect("n", netns_host.sandbox("a"), "e")

def test_fails_and_leaks(netns_host):
    netns_host.sandbox("b")
    assert False, "on purpose"

def test_topology(netns_topology):
    lab = netns_topology(networks={"n": "10.1.0.0/24"}, hosts={"a": ["n"], "b": ["n"]})
    lab["a"].run(["ping", "-n", "-c1", "-W2", str(lab.address("b", "n"))], check=True)

def test_is_still_back():
    assert here() == HOME
'''


def test_a_test_that_leaks_is_named_and_cleaned_up_after(host: Host) -> None:
    directory = Path("/run/plugin")
    directory.mkdir()
    (directory / "test_mine.py").write_text(TESTS)
    before = host.state()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rA", "--basetemp=/run/tmp", "test_mine.py"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert "5 passed, 1 failed, 1 error" in done.stdout or "1 failed, 5 passed, 1 error" in done.stdout, done.stdout
    assert "test_mine.py::test_leaks left sandbox a, network n; it is gone now" in done.stdout, done.stdout
    assert "FAILED test_mine.py::test_fails_and_leaks" in done.stdout
    assert host.state() == before
    mounts = Path("/proc/self/mounts").read_text()
    assert "/run/tmp" not in mounts, mounts
