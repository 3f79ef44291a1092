"""What callers may give where a dataclass holds more than text: for type checkers, since nothing needs it at run time."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import TYPE_CHECKING, Any, Union

if TYPE_CHECKING:
    from ._configs import (
        EndpointConfig,
        FirewallConfig,
        NetworkConfig,
        PortMapping,
        PortRange,
        SubnetConfig,
    )
    from ._interfaces import Destination, EndpointOptions, Neighbour, StaticRoute

Fields = Mapping[str, Any]
"""A dataclass by the names of its fields."""
Address4 = Union[IPv4Address, str]
Address6 = Union[IPv6Address, str]
Address = Union[IPv4Address, IPv6Address, str]
Own4 = Union[IPv4Interface, str]
"""An address with the length of its prefix."""
Own6 = Union[IPv6Interface, str]
Own = Union[IPv4Interface, IPv6Interface, str]
Net4 = Union[IPv4Network, str]
Net6 = Union[IPv6Network, str]
Net = Union[IPv4Network, IPv6Network, str]
ADestination = Union["Destination", Fields, str]
ARoute = Union["StaticRoute", Fields]
ANeighbour = Union["Neighbour", Fields]
APort = Union["PortMapping", Fields, str, int]
APortRange = Union["PortRange", Fields, str, int]
ASubnet = Union["SubnetConfig", Fields, str]
AFirewall = Union["FirewallConfig", Fields]
ANetwork = Union["NetworkConfig", Fields]
AnEndpoint = Union["EndpointConfig", Fields]
AnOptions = Union["EndpointOptions", Fields]
