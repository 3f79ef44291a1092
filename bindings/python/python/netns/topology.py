"""A network of hosts, described as data, brought up in one call and torn down whole::

    lab = netns.Topology(
        networks={"left": "10.1.0.0/24", "right": "10.2.0.0/24"},
        hosts={
            "client": {"networks": ["left"], "gateway": "10.1.0.254"},
            "router": {"networks": {"left": "10.1.0.254", "right": "10.2.0.254"}, "forward": True},
            "server": {"networks": ["right"], "gateway": "10.2.0.254"},
        },
    )
    with lab.up() as hosts:
        hosts["client"].run(["ping", "-c1", str(hosts.address("server", "right"))], check=True)

A network is a bridge to which nothing but its hosts is joined: the machine has no address in it. A host is a sandbox.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_interface,
)
from pathlib import Path
from types import TracebackType
from typing import Any, Union

from ._configs import Destination, EndpointOptions, NetworkOptions, StaticRoute
from ._errors import BadRequestError, NotFoundError
from ._network import Network
from ._sandbox import Sandbox
from ._values import NOTHING, Value, converted, value

Address = Union[IPv4Address, IPv6Address]
Own = Union[IPv4Interface, IPv6Interface]


@value
class TopologyNetwork(Value):
    """A network of a topology: at most one subnet of each family. The text of one subnet can take its place."""

    subnets: tuple[IPv4Network | IPv6Network, ...]
    mtu: int | None = None
    """In bytes; 1500 when None."""

    @classmethod
    def _from_text(cls, text: str) -> TopologyNetwork:
        made: tuple[Any, ...] = (text,)
        return cls(made)


@value
class TopologyHost(Value):
    """A host of a topology. Its interfaces are ``eth0``, ``eth1`` and so on, in the order of its networks."""

    networks: Mapping[str, IPv4Address | IPv6Address | None] = NOTHING
    """Their names, each with the address that is wanted, or None for the next free one. A sequence of names will do."""
    gateway: IPv4Address | None = None
    gateway_ipv6: IPv6Address | None = None
    routes: tuple[StaticRoute, ...] = ()
    forward: bool = False
    """It is a router."""

    def __post_init__(self) -> None:
        given: Any = self.networks
        if isinstance(given, (list, tuple)):
            object.__setattr__(self, "networks", dict.fromkeys(given))
        super().__post_init__()


class Lab:
    """A topology that is up, until the end of a ``with`` block or :meth:`down`."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._hosts: dict[str, Sandbox] = {}
        self._addresses: dict[tuple[str, str], list[Own]] = {}

    def __getitem__(self, host: str) -> Sandbox:
        return self._hosts[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    def address(self, host: str, network: str, *, ipv6: bool = False) -> Address:
        """What a host is called by in a network.

        :raises NotFoundError: it has no such address.
        """
        for own in self._addresses.get((host, network), ()):
            if (own.version == 6) == ipv6:
                return own.ip
        raise NotFoundError(f"find address of {host} in {network}: it has none", operation="find address", subject=host)

    def down(self) -> None:
        """Destroys hosts and networks; repeated calls succeed."""
        self._stack.close()

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.down()


class Topology:
    """What a lab is to be: networks and hosts by their names. Dicts in the form of :class:`TopologyNetwork` and
    :class:`TopologyHost` will do, so that ``Topology(**json.load(file))`` reads a file."""

    def __init__(
        self,
        *,
        networks: Mapping[str, TopologyNetwork | str | Mapping[str, Any]],
        hosts: Mapping[str, TopologyHost | Sequence[str] | Mapping[str, Any]],
    ) -> None:
        """Checks what can be known beforehand.

        :raises BadRequestError: a host is in a network that is not there, or wants an address that cannot be had.
        """
        self.networks: Mapping[str, TopologyNetwork] = converted(
            Mapping[str, TopologyNetwork], networks, "networks"
        )
        described = {
            name: TopologyHost(dict.fromkeys(host)) if isinstance(host, (list, tuple)) else host
            for name, host in hosts.items()
        }
        self.hosts: Mapping[str, TopologyHost] = converted(Mapping[str, TopologyHost], described, "hosts")
        self.addresses = self._choose()

    def up(self, name: str | None = None, *, base: str | os.PathLike[str] | None = None) -> Lab:
        """Makes all of it, or nothing. Bridges are in the calling thread's namespace.

        :param name: what the names of sandboxes begin with; ``lab`` and the process's number when None
        :param base: where the sandboxes are mounted, ``/run/netns`` by default
        """
        name = name or f"lab{os.getpid()}"
        lab = Lab()
        try:
            made = {each: self._network(lab, name, each) for each in self.networks}
            for host in self.hosts:
                self._host(lab, name, host, made, base)
        except BaseException:
            lab.down()
            raise
        lab._addresses = self.addresses
        return lab

    def _network(self, lab: Lab, prefix: str, name: str) -> Network:
        full = f"{prefix}-{name}"
        options = NetworkOptions(bridge=f"lab{zlib.crc32(full.encode()):08x}", mtu=self.networks[name].mtu or 1500)
        network = Network(full, options)
        lab._stack.callback(network.delete)
        return network

    def _host(
        self, lab: Lab, prefix: str, name: str, networks: Mapping[str, Network], base: str | os.PathLike[str] | None
    ) -> None:
        host = self.hosts[name]
        sandbox = lab._stack.enter_context(Sandbox(f"{prefix}-{name}", base=base))
        lab._hosts[name] = sandbox
        for number, network in enumerate(host.networks):
            v4, v6 = None, None
            for own in self.addresses[name, network]:
                v4, v6 = (own, v6) if isinstance(own, IPv4Interface) else (v4, own)
            endpoint = EndpointOptions(
                name, destination=Destination(name=f"eth{number}"), address=v4, address_ipv6=v6, default_route=False
            )
            networks[network].join(sandbox, endpoint)
        if host.gateway is not None:
            sandbox.set_gateway(host.gateway)
        if host.gateway_ipv6 is not None:
            sandbox.set_gateway_ipv6(host.gateway_ipv6)
        for route in host.routes:
            sandbox.add_static_route(route)
        if host.forward:
            sandbox.call(_forward)

    def _choose(self) -> dict[tuple[str, str], list[Own]]:
        """Addresses of all hosts: those that are wanted first, and then the next free ones."""
        chosen: dict[tuple[str, str], list[Own]] = {}
        taken: set[Address] = set()
        for host, described in self.hosts.items():
            for network, wanted in described.networks.items():
                if network not in self.networks:
                    raise _refused(f"host {host}", f"there is no network {network!r}")
                chosen[host, network] = []
                if wanted is not None:
                    chosen[host, network].append(self._wanted(network, wanted, taken))
        for (_, network), own in chosen.items():
            families = {each.version for each in own}
            for subnet in self.networks[network].subnets:
                if subnet.version not in families:
                    own.append(_next(network, subnet, taken))
        return chosen

    def _wanted(self, network: str, wanted: Address, taken: set[Address]) -> Own:
        for subnet in self.networks[network].subnets:
            if wanted in subnet:
                if wanted in taken:
                    raise _refused(f"address {wanted}", "two hosts want it")
                taken.add(wanted)
                return ip_interface(f"{wanted}/{subnet.prefixlen}")
        raise _refused(f"address {wanted}", f"it is outside of network {network}")


def _next(network: str, subnet: IPv4Network | IPv6Network, taken: set[Address]) -> Own:
    for address in subnet.hosts():
        if address not in taken:
            taken.add(address)
            return ip_interface(f"{address}/{subnet.prefixlen}")
    raise _refused(f"network {network}", f"{subnet} has no address left")


def _refused(subject: str, cause: str) -> BadRequestError:
    return BadRequestError(f"use {subject}: {cause}", operation="use", subject=subject)


def _forward() -> None:
    for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        path = Path("/proc/sys/net", setting)
        if path.exists():
            path.write_text("1")
