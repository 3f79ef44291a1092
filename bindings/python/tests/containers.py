"""Containers for tests: a process in a network namespace of its own, and a bridge of the host's."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import netns


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
