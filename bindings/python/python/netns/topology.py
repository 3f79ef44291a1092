"""Labs: several hosts and what is between them, described as a whole, brought up and torn down as one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import TracebackType
from typing import Any

from . import _netns
from ._description import Joint, describe
from ._errors import NotFoundError, closed
from ._interfaces import Destination, EndpointOptions, NetworkOptions, StaticRoute
from ._lab import Attachment, Host, Link, Segment
from ._namespace import Namespace
from ._network import Network
from ._sandbox import Sandbox
from ._workplace import Workplace, end_processes, processes_in

__all__ = ["Attachment", "Host", "Link", "Segment", "Topology"]

ETH = Destination(prefix="eth")


class Topology:
    """Hosts, each a :class:`Sandbox`, joined by networks and links::

        with netns.Topology(networks={"lan": ["a", "b"]}) as lab:
            lab["a"].run(["ping", "-c1", str(lab.address("b"))], check=True)

    Nothing of it is in the machine's network namespace or under ``/run``: what is between the hosts has a namespace of
    its own, and the hosts are mounted in a directory of their own. Any number may be up at once.
    """

    def __init__(
        self,
        *,
        hosts: Mapping[str, Host | Mapping[str, Any] | None] | Iterable[str] = (),
        networks: Mapping[str, Segment | Mapping[str, Any] | Iterable[Attachment | Mapping[str, Any] | str]] | None = None,
        links: Iterable[Link | Mapping[str, Any] | tuple[str, str]] = (),
        directory: str | os.PathLike[str] | None = None,
    ) -> None:
        """Describes one; ``with`` or :meth:`up` brings it up. All of it may be plain dicts, lists and text, as from JSON.

        :param hosts: hosts with routes or settings; those that networks and links name need not be here
        :param networks: by name, which hosts are in it; it is a switch
        :param links: pairs of hosts; one is a network ``A-B``
        :param directory: where the lab has its own directory, that for temporary files by default
        :raises BadRequestError: the description contradicts itself.
        :raises TypeError: it is of other types.
        """
        self._description = describe(hosts, networks or {}, links)
        self._directory = directory
        self._workplace: Workplace | None = None
        self._owner = os.getpid()
        self._between: Namespace | None = None
        self._left: list[Namespace] = []
        self._sandboxes: dict[str, Sandbox] = {}
        self._networks: dict[str, Network] = {}

    def up(self) -> Topology:
        """Brings all of it up, or none; nothing is done when it is. A lab that was torn down can be brought up again.

        :raises PermissionDeniedError: without ``CAP_SYS_ADMIN`` and ``CAP_NET_ADMIN``.
        """
        if self._workplace is not None:
            return self
        self._workplace, self._owner = Workplace(self._directory), os.getpid()
        try:
            self._between = Namespace.create()
            with self._between.enter():
                self._make(self._workplace.sandboxes)
        except BaseException:
            self.down()
            raise
        return self

    def down(self) -> None:
        """Tears all of it down; repeated calls succeed, and do nothing in a process that was forked off.

        Processes inside are ended, by SIGTERM and, two seconds later or when Ctrl-C interrupts the wait, by SIGKILL. What
        goes wrong can be done again by another call.
        """
        if self._workplace is None or self._owner != os.getpid():
            return
        try:
            end_processes(self.namespaces())
        finally:  # also when Ctrl-C interrupts it, which has killed them
            with ExitStack() as closing:
                closing.callback(self._forget, self._workplace)
                for sandbox in self._sandboxes.values():
                    closing.callback(sandbox.destroy)

    @property
    def path(self) -> Path:
        """The lab's directory.

        :raises ClosedError: the lab is not up.
        """
        return self._up().path

    @property
    def hosts(self) -> Mapping[str, Sandbox]:
        """All hosts, by name.

        :raises ClosedError: the lab is not up.
        """
        self._up()
        return dict(self._sandboxes)

    def namespaces(self) -> list[Namespace]:
        """Those of the hosts, and that of what is between them; of a host that was destroyed, if processes are left."""
        between = [] if self._between is None else [self._between]
        return between + self._left + [each for each in map(_inside, self._sandboxes.values()) if each is not None]

    def address(self, host: str, network: str | None = None) -> IPv4Address:
        """A host's IPv4 address in a network, or its first one.

        :raises BadRequestError: it has none.
        """
        address = self._description.address(host, network, 4)
        assert isinstance(address, IPv4Address)
        return address

    def address_ipv6(self, host: str, network: str | None = None) -> IPv6Address:
        """A host's IPv6 address in a network, or its first one.

        :raises BadRequestError: it has none.
        """
        address = self._description.address(host, network, 6)
        assert isinstance(address, IPv6Address)
        return address

    def __getitem__(self, host: str) -> Sandbox:
        self._up()
        if host not in self._sandboxes:
            raise NotFoundError(f"look for host {host}: the lab has none", operation="look for", subject=host)
        return self._sandboxes[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._description.hosts)

    def __len__(self) -> int:
        return len(self._description.hosts)

    def __enter__(self) -> Topology:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.down()

    def __repr__(self) -> str:
        state = "down" if self._workplace is None else f"in {self._workplace.path}"
        return f"<netns.Topology of {', '.join(self)}, {state}>"

    def _forget(self, workplace: Workplace) -> None:
        workplace.remove()
        self._sandboxes.clear()
        self._networks.clear()
        self._left.clear()
        self._between = self._workplace = None

    def _destroy(self, native: _netns.Sandbox) -> None:
        """A host before its lab; its namespace lives on in the processes inside, which are the lab's to end."""
        inside = _inside(Sandbox._of(native))
        native.destroy()
        if inside is not None and processes_in([inside]):
            self._left.append(inside)

    def _up(self) -> Workplace:
        if self._workplace is None:
            raise closed("a lab that is not up")
        return self._workplace

    def _make(self, base: Path) -> None:
        """With the thread in the namespace between the hosts."""
        described = self._description
        for name in described.hosts:
            self._sandboxes[name] = Sandbox._of(_netns.Sandbox.create(name, base), self._destroy)
        for at, (name, segment) in enumerate(described.segments.items()):
            network = Network(f"lab{at}", NetworkOptions(mtu=segment.mtu))
            self._networks[name] = network
            for number, joint in enumerate(described.joints[name]):
                network.join(self._sandboxes[joint.host], _endpoint(f"e{number}", joint))
        for name in described.hosts:
            self._settle(name, self._sandboxes[name])

    def _settle(self, name: str, sandbox: Sandbox) -> None:
        for route in self._description.routes(name):
            _add_route(sandbox, route)
        if self._description.forwards(name):
            sandbox.call(_forward)


def _inside(sandbox: Sandbox) -> Namespace | None:
    """Its namespace, unless it was destroyed."""
    try:
        return sandbox.namespace()
    except NotFoundError:
        return None


def _endpoint(name: str, joint: Joint) -> EndpointOptions:
    return EndpointOptions(
        name,
        destination=ETH if joint.interface is None else Destination(name=joint.interface),
        address=joint.address,
        address_ipv6=joint.address_ipv6,
        mac=joint.mac,
        default_route=False,
    )


def _add_route(sandbox: Sandbox, route: StaticRoute) -> None:
    if route.destination.prefixlen > 0:
        sandbox.add_static_route(route)
    elif isinstance(route.next_hop, IPv4Address):
        sandbox.set_gateway(route.next_hop)
    elif isinstance(route.next_hop, IPv6Address):
        sandbox.set_gateway_ipv6(route.next_hop)


def _forward() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    ipv6 = Path("/proc/sys/net/ipv6/conf/all/forwarding")
    if ipv6.exists():
        ipv6.write_text("1")
