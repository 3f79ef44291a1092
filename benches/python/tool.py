"""Does the job of the comparison of tools in Python, as it is told, a line of its input each: by pyroute2, or by this
package.

usage: tool.py pyroute2|netns NAME GATEWAY/LENGTH
"""

from __future__ import annotations

import importlib.metadata
import ipaddress
import sys
import time
from typing import Any, Protocol


class Tool(Protocol):
    """What does it."""

    def attach(self, name: str, address: str, gateway: str) -> None:
        """Connect the namespace of that name."""

    def whole(self, name: str, address: str, gateway: str) -> None:
        """The same, and make it."""

    def detach(self, name: str) -> None:
        """Take it back."""

    def remove(self, name: str) -> None:
        """Remove the namespace."""

    def end(self) -> None:
        """Take down what was there before."""


class Pyroute2:
    """As its documentation has it: the peer is made in the host, moves and is renamed. The bridge is there."""

    def __init__(self, bridge: str) -> None:
        import pyroute2

        self.module: Any = pyroute2
        self.route: Any = pyroute2.IPRoute()
        [self.bridge] = self.route.link_lookup(ifname=bridge)

    def attach(self, name: str, address: str, gateway: str) -> None:
        own, length = address.split("/")
        self.route.link("add", ifname=f"v{name}", kind="veth", peer={"ifname": f"p{name}"})
        [peer] = self.route.link_lookup(ifname=f"p{name}")
        self.route.link("set", index=peer, net_ns_fd=name)
        [host] = self.route.link_lookup(ifname=f"v{name}")
        self.route.link("set", index=host, master=self.bridge, state="up")
        with self.module.NetNS(name, flags=0) as inside:
            [peer] = inside.link_lookup(ifname=f"p{name}")
            inside.link("set", index=peer, ifname="eth0")
            inside.addr("add", index=peer, address=own, prefixlen=int(length))
            inside.link("set", index=peer, state="up")
            inside.link("set", index=1, state="up")
            inside.route("add", dst="default", gateway=gateway)

    def whole(self, name: str, address: str, gateway: str) -> None:
        self.module.netns.create(name)
        self.attach(name, address, gateway)

    def detach(self, name: str) -> None:
        [host] = self.route.link_lookup(ifname=f"v{name}")
        self.route.link("del", index=host)

    def remove(self, name: str) -> None:
        self.module.netns.remove(name)

    def end(self) -> None:
        self.route.close()


class Netns:
    """By a controller."""

    def __init__(self, network: str, gateway: str) -> None:
        import netns

        self.controller = netns.Controller(from_env=True)
        self.network = network
        self.controller.create_network(network, subnets=[str(ipaddress.ip_interface(gateway).network)])

    def attach(self, name: str, address: str, gateway: str) -> None:
        self.connect(self.controller.open_sandbox(name), name, address)

    def whole(self, name: str, address: str, gateway: str) -> None:
        self.connect(self.controller.create_sandbox(name), name, address)

    def connect(self, sandbox: Any, name: str, address: str) -> None:
        self.controller.connect(self.network, sandbox, name, address=address.split("/")[0])

    def detach(self, name: str) -> None:
        self.controller.disconnect(self.network, name)

    def remove(self, name: str) -> None:
        self.controller.remove_sandbox(name)

    def end(self) -> None:
        self.controller.delete_network(self.network)
        self.controller.close()


def main(kind: str, name: str, gateway: str) -> None:
    tool: Tool = Pyroute2(name) if kind == "pyroute2" else Netns(name, gateway)
    print(importlib.metadata.version("pyroute2" if kind == "pyroute2" else "libnetns"), flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        begin = time.perf_counter_ns()
        try:
            getattr(tool, what)(*rest)
        except Exception as error:  # noqa: BLE001
            print(f"error: {error!r}", flush=True)
        else:
            print(time.perf_counter_ns() - begin, flush=True)
    tool.end()


if __name__ == "__main__":
    main(*sys.argv[1:4])
