"""Container networking at the kernel's price.

A :class:`Controller` has named networks that last, gives out addresses, and joins sandboxes to networks; many processes
may use it at once::

    import netns

    with netns.Controller() as controller:
        controller.create_network("demo", ipv6=True)  # subnets are chosen
        with controller.create_sandbox("web") as web:
            endpoint = controller.connect("demo", web, "web")  # eth0, up, with its routes
            web.run(["ping", "-c1", str(controller.inspect_network("demo").subnets[0].gateway)], check=True)
        controller.delete_network("demo")

:class:`Sandbox` and :class:`Network` are the foundation: a network namespace, and a bridge network of which nothing but
the kernel knows. Every call lets other threads run; every error is an :class:`Error`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._configs import (
    EndpointConfig,
    FirewallConfig,
    NetworkConfig,
    PortMapping,
    PortRange,
    SubnetConfig,
)
from ._controller import Controller
from ._driver import (
    Birth,
    CreatedEndpoint,
    CreatedNetwork,
    Discovery,
    Driver,
    EndpointInterface,
    IpamData,
    JoinInfo,
    Scope,
)
from ._errors import (
    AlreadyExistsError,
    BadRequestError,
    BusyError,
    ClosedError,
    Error,
    ForbiddenError,
    NotFoundError,
    NotImplementedError,
    PermissionDeniedError,
    ResourceExhaustedError,
    SystemCallError,
    UnsupportedError,
)
from ._events import Events
from ._firewall import FirewallWatch
from ._interfaces import (
    Destination,
    EndpointOptions,
    Interface,
    Neighbour,
    NetworkOptions,
    StaticRoute,
)
from ._ipam import Ipam, Pool, PoolRequest
from ._meter import Meter, MeterReader, Snapshot
from ._namespace import Namespace
from ._netns import Plan, __version__
from ._network import Network
from ._results import (
    Counters,
    Endpoint,
    EndpointStats,
    Event,
    EventKind,
    Finding,
    FoundPlugin,
    Info,
    ListedNetwork,
    NetworkDetails,
    Rate,
    SandboxDetails,
    SlotId,
    SlotOwner,
    Source,
    Stats,
    SubnetUsage,
)
from ._sandbox import Sandbox, generate_key
from ._words import Detail, FirewallMode, GatewayMode, Isolate, Lifetime, Protocol

if TYPE_CHECKING:
    from ._watch import Sample
    from .topology import Topology

__all__ = [
    "AlreadyExistsError",
    "BadRequestError",
    "Birth",
    "BusyError",
    "ClosedError",
    "Controller",
    "Counters",
    "CreatedEndpoint",
    "CreatedNetwork",
    "Destination",
    "Detail",
    "Discovery",
    "Driver",
    "Endpoint",
    "EndpointConfig",
    "EndpointInterface",
    "EndpointOptions",
    "EndpointStats",
    "Error",
    "Event",
    "EventKind",
    "Events",
    "Finding",
    "FoundPlugin",
    "FirewallConfig",
    "FirewallMode",
    "FirewallWatch",
    "ForbiddenError",
    "GatewayMode",
    "Info",
    "Interface",
    "Ipam",
    "IpamData",
    "Isolate",
    "JoinInfo",
    "Lifetime",
    "ListedNetwork",
    "Meter",
    "MeterReader",
    "Namespace",
    "Neighbour",
    "Network",
    "NetworkConfig",
    "NetworkDetails",
    "NetworkOptions",
    "NotFoundError",
    "NotImplementedError",
    "PermissionDeniedError",
    "Plan",
    "Pool",
    "PoolRequest",
    "PortMapping",
    "PortRange",
    "Protocol",
    "Rate",
    "ResourceExhaustedError",
    "Sample",
    "Sandbox",
    "SandboxDetails",
    "Scope",
    "SlotId",
    "SlotOwner",
    "Snapshot",
    "Source",
    "StaticRoute",
    "Stats",
    "SubnetConfig",
    "SubnetUsage",
    "SystemCallError",
    "Topology",
    "UnsupportedError",
    "__version__",
    "generate_key",
]

_LATER = {"Sample": "._watch", "Topology": ".topology"}
"""What is loaded when it is first used, and where it is."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = getattr(import_module(_LATER[name], __name__), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
