"""What a lab is made of, as a caller describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any, Union

from ._values import NOTHING, Value, value

if TYPE_CHECKING:
    from . import _given as given

    AnAttachment = Union["Attachment", Mapping[str, Any], str]


@value
class Host(Value):
    """A host of a lab."""

    gateway: str | None = None
    """Its default gateway: the name of a host that it shares a network with, which counts for all families that they
    share, or an address."""
    routes: Mapping[str, str] = NOTHING
    """From a destination, the name of a network or a prefix, to the next hop, a host or an address."""
    forwarding: bool | None = None
    """It passes on what is for others; when None it does if it is in several networks."""


@value
class Attachment(Value):
    """A host in a network. Text in its place is the host's name."""

    host: str
    address: IPv4Address | None = None
    """The next free one of the subnet when None."""
    address_ipv6: IPv6Address | None = None
    interface: str | None = None
    """What it is called in the host; ``eth0`` and so on when None."""
    mac: str | None = None
    """Hardware address, ``"02:42:0a:01:00:05"``; random when None."""

    if TYPE_CHECKING:

        def __init__(
            self,
            host: str,
            address: given.Address4 | None = None,
            address_ipv6: given.Address6 | None = None,
            interface: str | None = None,
            mac: str | None = None,
        ) -> None: ...

    @classmethod
    def _from_text(cls, text: str) -> Attachment:
        return cls(text)


@value
class Segment(Value):
    """A network of a lab, which is a switch without an address of its own. A list of hosts can take its place."""

    hosts: tuple[Attachment, ...] = ()
    subnet: IPv4Network | None = None
    """A free ``/24`` of ``10.0.0.0/8`` when None."""
    subnet_ipv6: IPv6Network | None = None
    """With ``ipv6`` a free ``/64`` of ``fd00::/48`` when None."""
    ipv4: bool = True
    ipv6: bool = False
    """Whether hosts get IPv6 addresses; they do when there is a ``subnet_ipv6``."""
    mtu: int | None = None
    """In bytes, 1500 when None."""

    if TYPE_CHECKING:

        def __init__(
            self,
            hosts: Iterable[AnAttachment] = (),
            subnet: given.Net4 | None = None,
            subnet_ipv6: given.Net6 | None = None,
            ipv4: bool = True,
            ipv6: bool = False,
            mtu: int | None = None,
        ) -> None: ...


@value
class Link(Value):
    """A network of two hosts. A pair of names can take its place."""

    a: Attachment
    b: Attachment
    subnet: IPv4Network | None = None
    subnet_ipv6: IPv6Network | None = None
    ipv4: bool = True
    ipv6: bool = False
    mtu: int | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            a: AnAttachment,
            b: AnAttachment,
            subnet: given.Net4 | None = None,
            subnet_ipv6: given.Net6 | None = None,
            ipv4: bool = True,
            ipv6: bool = False,
            mtu: int | None = None,
        ) -> None: ...

    def segment(self) -> tuple[str, Segment]:
        """Its name, ``A-B``, and the same as a network."""
        both = (self.a, self.b)
        made = Segment(both, self.subnet, self.subnet_ipv6, self.ipv4, self.ipv6, self.mtu)
        return f"{self.a.host}-{self.b.host}", made
