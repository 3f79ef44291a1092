"""What a lab is to be, settled from what a caller says of it and checked before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_network,
)
from itertools import islice
from typing import Any, Union

from . import _netns
from ._convert import converted, within
from ._errors import BadRequestError
from ._interfaces import StaticRoute
from ._lab import Host, Link, Segment

Address = Union[IPv4Address, IPv6Address]
Net = Union[IPv4Network, IPv6Network]

POOL = IPv4Network("10.0.0.0/8")
"""Networks that name no subnet get a ``/24`` of it."""
POOL_IPV6 = IPv6Network("fd00::/48")
"""The same for IPv6, with a ``/64``."""


@dataclass(frozen=True)
class Joint:
    """A host in a network, with its addresses."""

    host: str
    address: IPv4Interface | None
    address_ipv6: IPv6Interface | None
    interface: str | None
    mac: str | None

    def addresses(self) -> Iterator[IPv4Interface | IPv6Interface]:
        """Those that it has."""
        yield from (each for each in (self.address, self.address_ipv6) if each is not None)


@dataclass(frozen=True)
class Description:
    """Everything that is made, settled before anything is."""

    hosts: Mapping[str, Host]
    segments: Mapping[str, Segment]
    joints: Mapping[str, tuple[Joint, ...]]
    """By the names of networks."""

    def routes(self, host: str) -> list[StaticRoute]:
        """The routes of a host, the default ones included."""
        described = self.hosts[host]
        wanted = list(described.routes.items())
        if described.gateway is not None:
            wanted += [("default", described.gateway)]
        routes = [route for to, via in wanted for route in self._routes(host, to, via)]
        return routes

    def forwards(self, host: str) -> bool:
        """Whether a host passes on what is for others."""
        chosen = self.hosts[host].forwarding
        return len(self._own(host)) > 1 if chosen is None else chosen

    def address(self, host: str, network: str | None, version: int) -> Address:
        """The first address of that family that a host has, in a network or in any.

        :raises BadRequestError: there is none.
        """
        for name, joint in self._own(host).items():
            for each in joint.addresses():
                if network in (None, name) and each.version == version:
                    return each.ip
        raise _bad(f"host {host} has no IPv{version} address" + (f" in {network}" if network else ""), host)

    def _own(self, host: str) -> dict[str, Joint]:
        if host not in self.hosts:
            raise _bad(f"there is no host {host}", host)
        return {name: joint for name, joints in self.joints.items() for joint in joints if joint.host == host}

    def _routes(self, host: str, to: str, via: str) -> list[StaticRoute]:
        nets, hops = self._destinations(to), self._next_hops(host, via)
        routes = [StaticRoute(net, hop) for net in nets for hop in hops if net.version == hop.version]
        if not routes:
            raise _bad(f"{via} is no next hop of {host} to {to}: they share no such address", host)
        return routes

    def _destinations(self, to: str) -> list[Net]:
        if to == "default":
            return [IPv4Network("0.0.0.0/0"), IPv6Network("::/0")]
        if to in self.segments:
            segment = self.segments[to]
            return [net for net in (segment.subnet, segment.subnet_ipv6) if net is not None]
        try:
            return [ip_network(to)]
        except ValueError:
            raise _bad(f"a route to {to}, which is neither a network of this lab nor a prefix", to) from None

    def _next_hops(self, host: str, via: str) -> list[Address]:
        if via not in self.hosts:
            return [self._neighbour(host, via)]
        own, there = self._own(host), self._own(via)
        shared = [each for name in own if name in there for each in there[name].addresses()]
        first = {each.version: each for each in reversed(shared)}
        return [each.ip for each in first.values()]


    def _neighbour(self, host: str, text: str) -> Address:
        try:
            address = ip_address(text)
        except ValueError:
            raise _bad(f"a route by {text}, which is neither a host of this lab nor an address", text) from None
        if not any(address in each.network for joint in self._own(host).values() for each in joint.addresses()):
            raise _bad(f"{text} is no next hop of {host}: it is in none of its networks", host)
        return address


def describe(hosts: Any, networks: Any, links: Any) -> Description:
    """Settles what callers left open.

    :raises BadRequestError: the description contradicts itself.
    :raises TypeError: it is of other types.
    """
    segments = {name: _segment(given, f"networks[{name!r}]") for name, given in _named(networks, "networks").items()}
    for at, given in enumerate(links):
        name, segment = _link(given, f"links[{at}]").segment()
        if name in segments:
            raise _bad(f"two networks are called {name}", name)
        segments[name] = segment
    described = {name: _host(given, f"hosts[{name!r}]") for name, given in _named(hosts, "hosts").items()}
    for segment in segments.values():
        for each in segment.hosts:
            described.setdefault(each.host, Host())
    for name in described:
        _check("name", name, f"host {name}")
    for name, segment in segments.items():
        _check_segment(name, segment)
    segments = _with_subnets(segments)
    joints = {name: _joints(name, segment) for name, segment in segments.items()}
    made = Description(described, segments, joints)
    for name in described:
        made.routes(name)
    return made


def _named(values: Any, where: str) -> dict[str, Any]:
    if isinstance(values, Mapping):
        return {str(converted(str, name, where)): given for name, given in values.items()}
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{where}: mapping expected, not {type(values).__name__}")
    return {str(converted(str, name, where)): None for name in _in_order(values)}


def _in_order(values: Iterable[Any]) -> list[Any]:
    """As they are given; of a set, which has no order, sorted."""
    return sorted(values, key=str) if isinstance(values, (set, frozenset)) else list(values)


def _host(given: Any, where: str) -> Host:
    made: Host = converted(Host, {} if given is None else given, where)
    return made


def _segment(given: Any, where: str) -> Segment:
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping)):
        given = {"hosts": _in_order(given)}
    made: Segment = converted(Segment, {} if given is None else given, where)
    named = [each.host for each in made.hosts]
    if len(set(named)) < len(named):
        raise _bad(f"a host is twice in {where}", where)
    return made


def _link(given: Any, where: str) -> Link:
    if isinstance(given, (list, tuple)):
        if len(given) != 2:
            raise _bad(f"{where} is between two hosts, not {len(given)}", where)
        given = {"a": given[0], "b": given[1]}
    made: Link = converted(Link, given, where)
    if made.a.host == made.b.host:
        raise _bad(f"{where} leads from {made.a.host} to itself", where)
    return made


def _check_segment(name: str, segment: Segment) -> None:
    if segment.mtu is not None:
        within(f"mtu of {name}", segment.mtu, 1280 if segment.ipv6 or segment.subnet_ipv6 else 68, 65535)
    for net in (segment.subnet, segment.subnet_ipv6):
        if net is not None and (net.is_multicast or net.is_loopback or net.prefixlen == 0):
            raise _bad(f"{net} of {name} has no addresses for hosts", name)
    for each in segment.hosts:
        if each.interface is not None:
            _check("interface", each.interface, f"{each.host} in {name}")
        if each.mac is not None:
            _check("mac", each.mac, f"{each.host} in {name}")


def _check(kind: str, text: str, where: str) -> None:
    try:
        _netns.check(kind, text)
    except BadRequestError as error:
        raise _bad(f"{where}: {error}", where) from None


def _with_subnets(segments: Mapping[str, Segment]) -> dict[str, Segment]:
    """All with the subnets of the families that they have; those that are named do not overlap."""
    taken: list[Net] = []
    for name, segment in segments.items():
        for net in (segment.subnet, segment.subnet_ipv6):
            overlapping = [each for each in taken if net and each.version == net.version and each.overlaps(net)]
            if overlapping:
                raise _bad(f"{net} of {name} overlaps {overlapping[0]}", name)
            taken += [net] if net else []
    free, free_ipv6 = _free(POOL, 24, taken), _free(POOL_IPV6, 64, taken)
    settled = {}
    for name, segment in segments.items():
        try:
            subnet = segment.subnet or (next(free) if segment.ipv4 else None)
            subnet_ipv6 = segment.subnet_ipv6 or (next(free_ipv6) if segment.ipv6 else None)
        except StopIteration:
            raise _bad(f"no subnet is free for {name}", name) from None
        settled[name] = replace(segment, subnet=subnet, subnet_ipv6=subnet_ipv6)
    return settled


def _free(pool: Any, length: int, taken: list[Net]) -> Iterator[Any]:
    """Subnets of a pool, without the first: its addresses look like others with parts left out."""
    return (net for net in islice(pool.subnets(new_prefix=length), 1, None) if not _overlaps(net, taken))


def _overlaps(net: Net, taken: list[Net]) -> bool:
    return any(each.version == net.version and each.overlaps(net) for each in taken)


def _joints(name: str, segment: Segment) -> tuple[Joint, ...]:
    first = [each.address for each in segment.hosts]
    second = [each.address_ipv6 for each in segment.hosts]
    addresses = _addresses(name, segment.subnet, first)
    addresses_ipv6 = _addresses(name, segment.subnet_ipv6, second)
    return tuple(
        Joint(each.host, address, address_ipv6, each.interface, each.mac)
        for each, address, address_ipv6 in zip(segment.hosts, addresses, addresses_ipv6)
    )


def _addresses(name: str, subnet: Any, wanted: list[Any]) -> list[Any]:
    """One for each, with the subnet's prefix length; the next free where none is wanted."""
    named = [each for each in wanted if each is not None]
    if subnet is None:
        if named:
            raise _bad(f"{named[0]} is of a family that {name} does not have", name)
        return [None] * len(wanted)
    for each in named:
        if each not in subnet or named.count(each) > 1:
            raise _bad(f"{each} is {'twice' if each in subnet else 'not'} in {subnet} of {name}", name)
        if subnet.num_addresses > 2 and each in _reserved(subnet):
            raise _bad(f"{each} is no host's in {subnet} of {name}", name)
    held = set(named)
    free = (each for each in subnet.hosts() if each not in held)
    interface = IPv4Interface if subnet.version == 4 else IPv6Interface
    try:
        return [interface((each or next(free), subnet.prefixlen)) for each in wanted]
    except StopIteration:
        raise _bad(f"{subnet} of {name} has too few addresses for its {len(wanted)} hosts", name) from None


def _reserved(subnet: Net) -> list[Address]:
    return [subnet.network_address] + ([subnet.broadcast_address] if isinstance(subnet, IPv4Network) else [])


def _bad(message: str, subject: str) -> BadRequestError:
    return BadRequestError(f"describe a lab: {message}", operation="describe a lab", subject=subject)
