"""Address managements written in Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import TYPE_CHECKING, Optional, Union

from . import _netns
from ._convert import converted
from ._errors import missing
from ._values import NOTHING, Value, from_wire, to_json, value

if TYPE_CHECKING:
    from . import _given as given

Address = Union[IPv4Address, IPv6Address]
Net = Union[IPv4Network, IPv6Network]
Own = Union[IPv4Interface, IPv6Interface]


@value
class PoolRequest(Value):
    """What a network asks of an address management."""

    address_space: str
    in_use: tuple[IPv4Network | IPv6Network, ...] = ()
    """What the pool must not overlap where it is chosen."""
    ipv6: bool = False
    options: Mapping[str, str] = NOTHING
    pool: IPv4Network | IPv6Network | None = None
    """The one that is wanted; chosen when None."""
    sub_pool: IPv4Network | IPv6Network | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            address_space: str,
            in_use: Iterable[given.Net] = (),
            ipv6: bool = False,
            options: Mapping[str, str] = NOTHING,
            pool: given.Net | None = None,
            sub_pool: given.Net | None = None,
        ) -> None: ...


@dataclass(frozen=True)
class Pool:
    """A pool that an address management gave."""

    id: str
    """``SPACE/POOL``, such as ``mine/10.5.0.0/16``."""
    pool: Net
    data: Mapping[str, str] = NOTHING


class Ipam:
    """What manages addresses. Every release may be repeated. Exceptions are as of :class:`Driver`."""

    def default_address_spaces(self) -> tuple[str, str]:
        """The names of the local and the global address space."""
        return ("LocalDefault", "GlobalDefault")

    def request_pool(self, request: PoolRequest) -> Pool:
        """A pool for a network."""
        raise missing(self, "request_pool")

    def release_pool(self, pool: str) -> None:
        """Gives a pool back with all its addresses."""
        raise missing(self, "release_pool")

    def request_address(self, pool: str, wanted: Address | None, options: Mapping[str, str]) -> Own:
        """An address of a pool, with the pool's prefix length: ``wanted``, or a free one.

        The request for a gateway has the option ``RequestAddressType`` with the value ``com.docker.network.gateway``.
        """
        raise missing(self, "request_address")

    def release_address(self, pool: str, address: Address) -> None:
        """Gives an address back."""
        raise missing(self, "release_address")


class IpamAdapter:
    """An address management as the native module calls it: by text."""

    def __init__(self, ipam: Ipam) -> None:
        self._ipam = ipam

    def default_address_spaces(self) -> str:
        local, spanning = self._ipam.default_address_spaces()
        return json.dumps({"local": local, "global": spanning})

    def request_pool(self, request: str) -> str:
        pool = self._ipam.request_pool(from_wire(PoolRequest, json.loads(request)))
        return to_json({"id": pool.id, "pool": pool.pool, "data": pool.data})

    def release_pool(self, pool: str) -> str:
        self._ipam.release_pool(pool)
        return "null"

    def request_address(self, pool: str, wanted: str | None, options: str) -> str:
        address = converted(Optional[Address], wanted, "wanted")
        given = self._ipam.request_address(pool, address, json.loads(options))
        return to_json([given, {}])

    def release_address(self, pool: str, address: str) -> str:
        self._ipam.release_address(pool, converted(Address, address, "address"))
        return "null"


class KnownIpam(Ipam):
    """An address management of a controller, of which :meth:`Controller.ipam` says more."""

    def __init__(self, native: _netns.KnownIpam) -> None:
        self._native = native

    def default_address_spaces(self) -> tuple[str, str]:
        spaces = json.loads(self._native.default_address_spaces())
        return spaces["local"], spaces["global"]

    def request_pool(self, request: PoolRequest) -> Pool:
        given = json.loads(self._native.request_pool(to_json(converted(PoolRequest, request, "request"))))
        return Pool(given["id"], converted(Net, given["pool"], "pool"), given["data"])

    def release_pool(self, pool: str) -> None:
        self._native.release_pool(pool)

    def request_address(
        self, pool: str, wanted: Address | None = None, options: Mapping[str, str] = NOTHING
    ) -> Own:
        address = converted(Optional[Address], wanted, "wanted")
        text = to_json(converted(Mapping[str, str], options, "options"))
        given, _ = json.loads(self._native.request_address(pool, None if address is None else str(address), text))
        own: Own = converted(Own, given, "address")
        return own

    def release_address(self, pool: str, address: Address) -> None:
        self._native.release_address(pool, str(converted(Address, address, "address")))
