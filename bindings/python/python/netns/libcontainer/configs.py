"""What a container is to have, as runc describes it: namespaces, networks, routes and hooks.

:class:`Config` is the part of runc's that concerns the network, with runc's JSON. Everything here is frozen.
"""

from ._config import Config, Network, ParsedNetwork, ParsedRoute, Route
from ._hooks import Command, CommandHook, Hook, HookName, Hooks
from ._namespaces import Namespace, Namespaces, NamespaceType, is_namespace_supported, namespace_types, ns_name
from ._state import State, Status

__all__ = [
    "Command",
    "CommandHook",
    "Config",
    "Hook",
    "HookName",
    "Hooks",
    "Namespace",
    "NamespaceType",
    "Namespaces",
    "Network",
    "ParsedNetwork",
    "ParsedRoute",
    "Route",
    "State",
    "Status",
    "is_namespace_supported",
    "namespace_types",
    "ns_name",
]
