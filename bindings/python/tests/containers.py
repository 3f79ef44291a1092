"""Containers for tests: a process in a network namespace of its own, a bridge of the host's, and configs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import netns
from netns import libcontainer as lc
from netns.libcontainer import configs as c

NEWNET = c.Namespaces().with_namespace("NEWNET")
VETH = c.Network(type="veth", bridge="br0", address="10.5.0.2/24", gateway="10.5.0.1")


class Container:
    """Looked at with iproute2."""

    def __init__(self) -> None:
        self.process = netns.Namespace.create().popen(["sleep", "1000"])
        self.pid = self.process.pid
        self.path = f"/proc/{self.pid}/ns/net"

    def run(self, *command: str) -> str:
        done = subprocess.run(["nsenter", "-t", str(self.pid), "-n", *command], capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def ip(self, *args: str) -> Any:
        return json.loads(self.run("ip", "-j", "-d", *args) or "[]")

    def links(self) -> list[str]:
        return sorted(link["ifname"] for link in self.ip("link"))

    def addresses(self, link: str) -> list[str]:
        [shown] = self.ip("address", "show", "dev", link)
        return [f"{each['local']}/{each['prefixlen']}" for each in shown["addr_info"]]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def container() -> Iterator[Container]:
    made = Container()
    try:
        yield made
    finally:
        made.end()


@contextmanager
def bridge(name: str = "br0") -> Iterator[str]:
    """A bridge with 10.5.0.1/24 and fd05::1/64, up."""
    ip("link", "add", name, "type", "bridge")
    ip("address", "add", "10.5.0.1/24", "dev", name)
    ip("address", "add", "fd05::1/64", "dev", name, "nodad")
    ip("link", "set", name, "up")
    try:
        yield name
    finally:
        ip("link", "delete", name)


def ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True)


def config(*networks: c.Network, hooks: c.Hooks = c.Hooks(), routes: tuple[c.Route, ...] = ()) -> c.Config:
    return c.Config(namespaces=NEWNET, networks=networks, routes=routes, hooks=hooks)


def setup(*networks: c.Network, **fields: Any) -> lc.NetworkSetup:
    return lc.NetworkSetup.from_config(config(*networks, **fields)).with_id("web")


def in_another_process(program: str, *arguments: str) -> None:
    command = [sys.executable, "-c", f"import sys\nfrom netns import libcontainer as lc\n{program}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
