"""A driver in Python.

A network of the type "wire" has no bridge. Each endpoint is a cable of its own between the host and a sandbox: a veth
that is born with one end there, and a route of the host to the endpoint's address.
"""

import json
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

import netns

HOST_MAC = "02:00:00:00:00:01"
"""Each host's end is a link of its own, so they may have the same address."""
GATEWAY = "169.254.1.1"
"""Nobody has this address: a neighbour that never has to be asked for leads to the host's end."""


class Wires(netns.Driver):
    """Decides and describes; what it returns the library carries out, or undoes."""

    def create_network(
        self, network: str, options: Mapping[str, Any], ipv4: Sequence[netns.IpamData], ipv6: Sequence[netns.IpamData]
    ) -> None:
        if ipv6 or len(ipv4) != 1:
            raise netns.BadRequestError("a wire carries IPv4 alone")

    def delete_network(self, network: str) -> None:
        """There is nothing to be taken away."""

    def create_endpoint(
        self, network: str, endpoint: str, interface: netns.EndpointInterface, options: Mapping[str, Any]
    ) -> None:
        if len(endpoint) > 10:
            raise netns.BadRequestError(f"{endpoint} is too long for an interface's name")

    def delete_endpoint(self, network: str, endpoint: str) -> None:
        """The library takes the end in the sandbox away, and the other end goes with it."""

    def join(
        self, network: str, endpoint: str, sandbox_key: str, join: netns.JoinInfo, options: Mapping[str, Any]
    ) -> None:
        if endpoint == "cut":
            raise netns.BusyError("the wire is cut")
        name, own = f"wire-{endpoint}", join.interface.address
        assert own is not None
        link = {"name": name, "kind": {"veth": {"peer": {}}}, "mac": HOST_MAC, "up": True, "queues": 1}
        join.set_names(f"peer-{endpoint}", "eth")
        join.add_static_route(f"{GATEWAY}/32")
        join.set_gateway(GATEWAY)
        gateway = netns.Neighbour(IPv4Address(GATEWAY), HOST_MAC)
        join.set_birth(netns.Birth(link, after=route(name, f"{own.ip}/32"), neighbours=(gateway,), host_prefix=True))

    def leave(self, network: str, endpoint: str) -> None:
        print(f"endpoint {endpoint} leaves")


def route(link: str, destination: str) -> netns.Plan:
    """A route of the host's through a link."""
    add = {"link": {"name": link}, "destination": destination, "gateway": None, "replace": False}
    return netns.Plan(json.dumps({"steps": [{"place": "host", "action": {"add_route": add}}]}))


def main() -> None:
    with netns.Controller(from_env=True) as controller:
        controller.register_driver("wire", Wires())
        controller.create_network("wires", type="wire", firewall={"mode": "off"})
        with controller.create_sandbox("a") as a:
            joined = controller.connect("wires", a, "a")
            assert joined.address is not None  # the network has IPv4
            print(f"{a.name} has {a.interfaces()[0].name}, {joined.address}")
            a.run(["ip", "route"], check=True)
            a.run(["ping", "-n", "-q", "-c1", "-W5", str(joined.address.ip)], check=True)
            try:
                controller.connect("wires", a, "cut")
            except netns.BusyError as error:
                print(error)
        controller.delete_network("wires")


if __name__ == "__main__":
    main()
