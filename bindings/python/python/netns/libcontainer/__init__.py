"""What libcontainer has for networks: configs, strategies and single changes of links.

The network of a container whose runtime has a config like runc's is a :class:`NetworkSetup`::

    from netns.libcontainer import NetworkSetup
    from netns.libcontainer.configs import Config, State

    config = Config.from_json(Path("config.json").read_text())
    setup = NetworkSetup.from_config(config).with_id("web")
    state = State("web", pid=pid)
    setup.up(state)  # interfaces and routes are there, hooks have run
    setup.poststart(state)  # when its program runs
    setup.down(state)  # in whatever process

:func:`setup` and the strategies are libcontainer's own two steps for one network of a container. :func:`set_mtu` and
its like change links of the calling thread's network namespace, which plays the host everywhere here.
"""

from . import configs
from ._links import (
    change_interface_name,
    create_veth_pair,
    interface_down,
    interface_up,
    set_default_gateway,
    set_interface_in_namespace_fd,
    set_interface_in_namespace_pid,
    set_interface_ip,
    set_interface_master,
    set_mtu,
)
from ._setup import NetworkSetup, SetupLink, SetupNamespace, SetupNetwork, SetupState
from ._strategy import (
    Loopback,
    NetNs,
    Network,
    NetworkState,
    NetworkStats,
    NetworkStrategy,
    Veth,
    get_stats,
    get_strategy,
    register_strategy,
    setup,
)
from ._target import Target

__all__ = [
    "Loopback",
    "NetNs",
    "Network",
    "NetworkSetup",
    "NetworkState",
    "NetworkStats",
    "NetworkStrategy",
    "SetupLink",
    "SetupNamespace",
    "SetupNetwork",
    "SetupState",
    "Target",
    "Veth",
    "change_interface_name",
    "configs",
    "create_veth_pair",
    "get_stats",
    "get_strategy",
    "interface_down",
    "interface_up",
    "register_strategy",
    "set_default_gateway",
    "set_interface_in_namespace_fd",
    "set_interface_in_namespace_pid",
    "set_interface_ip",
    "set_interface_master",
    "set_mtu",
    "setup",
]
