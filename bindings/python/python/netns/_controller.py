"""Networks that last."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Union

from . import _netns
from ._configs import EndpointConfig, NetworkConfig, PortMapping
from ._convert import converted, refused, within
from ._firewall import FirewallWatch
from ._registry import Registry
from ._results import Endpoint, Finding, FoundPlugin, ListedNetwork, NetworkDetails, SandboxDetails
from ._sandbox import Sandbox, native_of
from ._telling import Telling
from ._values import from_json, from_wire, list_from_json, to_json
from ._words import Lifetime

if TYPE_CHECKING:
    from . import _given as given

Directory = Union[str, "os.PathLike[str]", None]
Directories = Union[Sequence[Union[str, "os.PathLike[str]"]], None]


class Controller(Telling, Registry):
    """Named networks of many types, and the endpoints that join sandboxes to them.

    Any number of processes may have the same directories open, and any number of threads may use one controller. The
    *host* is the namespace of the thread that opened it. Methods raise :class:`ClosedError` after :meth:`close`.

    A method that makes or takes away something waits for others that do, ten seconds at most, and then raises
    :class:`BusyError`; Ctrl-C is heard when it ends.

    A forked child opens a controller of its own, and its parent's raises :class:`ForbiddenError`. Where another thread
    was inside of a call as the process forked, so does opening one: fork when none is, or start a program.
    """

    def __init__(
        self,
        *,
        directory: Directory = None,
        networks_dir: Directory = None,
        run_dir: Directory = None,
        sandbox_dir: Directory = None,
        lifetime: Lifetime | str = Lifetime.HOST,
        meter_dir: Directory = None,
        meter_slots: int | None = None,
        from_env: bool = False,
        uncollected: bool = False,
        plugins: bool = True,
        plugin_socket_dirs: Directories = None,
        plugin_spec_dirs: Directories = None,
        plugin_timeout: float | None = None,
    ) -> None:
        """Opens the store, making it when it is missing, and puts right what processes that are gone left half done.

        :param directory: everything under it, instead of the directories below
        :param networks_dir: the networks' definitions, ``/etc/libnetns/networks`` by default
        :param run_dir: attachments and leases, ``/run/libnetns`` by default
        :param sandbox_dir: where sandboxes are mounted, ``/run/netns`` by default
        :param lifetime: how long what it makes lasts
        :param meter_dir: the counters, on a bpf filesystem, ``/sys/fs/bpf/libnetns`` by default
        :param meter_slots: how many interfaces can be metered, where the counters are yet to be made
        :param from_env: directories that are not given are those of ``NETNS_NETWORKS_DIR``, ``NETNS_RUN_DIR``,
            ``NETNS_SANDBOX_DIR`` and ``NETNS_METER_DIR``, where these are set
        :param uncollected: what was left half done stays as it is, for :meth:`plan_collect` to say what that is
        :param plugins: whether plugins are looked for, for types of network and address managements that are unknown
        :param plugin_socket_dirs: their sockets, ``/run/docker/plugins`` by default
        :param plugin_spec_dirs: the files that say where they are, ``/etc/docker/plugins`` and
            ``/usr/lib/docker/plugins`` by default
        :param plugin_timeout: how many seconds a plugin may take for a request, all attempts together; 30 by default
        :raises PermissionDeniedError: without the right to write the run directory.
        :raises ForbiddenError: the run directory is another network namespace's.
        """
        if directory is not None:
            networks_dir = networks_dir or Path(directory, "networks")
            run_dir = run_dir or Path(directory, "run")
            sandbox_dir = sandbox_dir or Path(directory, "sandboxes")
        self._native = _netns.Controller.open(
            from_env,
            uncollected,
            _path(networks_dir),
            _path(run_dir),
            _path(sandbox_dir),
            to_json(converted(Lifetime, lifetime, "lifetime")),
            _path(meter_dir),
            None if meter_slots is None else within("meter_slots", meter_slots, 1, 65535),
            bool(plugins),
            _paths(plugin_socket_dirs, "plugin_socket_dirs"),
            _paths(plugin_spec_dirs, "plugin_spec_dirs"),
            _seconds(plugin_timeout),
        )

    def close(self) -> None:
        """Ends the controller. What it made lasts as its lifetime says. Calls that are under way end first."""
        self._native.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._native.is_closed()

    @property
    def directories(self) -> tuple[Path, Path, Path, Path]:
        """Of definitions, of the store, of sandboxes, of counters."""
        return self._native.directories()

    def network_types(self) -> list[str]:
        """The types of network that have a driver, sorted."""
        return self._native.network_types()

    def plugins(self) -> list[FoundPlugin]:
        """The plugins that are there, by their names. None is asked anything."""
        return list_from_json(FoundPlugin, self._native.plugins())

    def activate_plugin(self, name: str) -> list[str]:
        """Finds a plugin and asks what it implements, in Docker's words: ``NetworkDriver``, ``IpamDriver``, and others
        that are of no use here. It is then the driver of the network type of its name, and the address management of
        its name, as far as it is one. Networks that need it do so by themselves.

        :raises NotFoundError: there is no such plugin.
        :raises BadRequestError: its spec file cannot be used.
        :raises SystemCallError: it does not answer in time, or wrongly.
        """
        return self._native.activate_plugin(name)

    def create_network(self, config: given.ANetwork | str, **fields: Any) -> NetworkConfig:
        """Makes a network, or one of that name with these fields of :class:`NetworkConfig`; returns its definition with
        what was left open filled in.

        :raises AlreadyExistsError: there is one, or a subnet overlaps another network's or a route of the host.
        :raises NotFoundError: the type is unknown.
        :raises BadRequestError: the definition contradicts itself, or has options that the driver does not take.
        """
        if isinstance(config, str):
            config = NetworkConfig(config, **fields)
        elif fields:
            raise TypeError("fields go with the name of a network, not with its config")
        wire = to_json(converted(NetworkConfig, config, "config"))
        return from_json(NetworkConfig, self._native.create_network(wire))

    def networks(self) -> list[ListedNetwork]:
        """All of them, by their names; of a definition that cannot be used, why."""
        return list_from_json(ListedNetwork, self._native.networks())

    def inspect_network(self, name: str) -> NetworkDetails:
        """A network with its endpoints.

        :raises NotFoundError: there is none.
        """
        return from_json(NetworkDetails, self._native.inspect_network(name))

    def delete_network(self, name: str) -> None:
        """Deletes a network.

        :raises BusyError: it has endpoints.
        :raises NotFoundError: there is none.
        """
        self._native.delete_network(name)

    def forget_network(self, name: str) -> None:
        """Forgets a network and frees its subnets whatever its driver says, as when a driver is gone for good: what the
        driver made of it is the driver's to clear away. One that is gone is no error.

        :raises BusyError: it has endpoints: :meth:`forget_endpoint`.
        """
        self._native.forget_network(name)

    def create_endpoint(self, network: str, endpoint: given.AnEndpoint | str, **fields: Any) -> Endpoint:
        """Makes an endpoint, or one of that name with these fields of :class:`EndpointConfig`; :meth:`join` brings it
        into a sandbox.

        :raises AlreadyExistsError: the network has one of that name, or its address or port is taken.
        :raises ResourceExhaustedError: no address is free.
        """
        return Endpoint._later(self._native.create_endpoint(network, _wire(endpoint, fields)))

    def delete_endpoint(self, network: str, endpoint: str) -> None:
        """Deletes an endpoint that is in no sandbox.

        :raises BusyError: it is in one.
        """
        self._native.delete_endpoint(network, endpoint)

    def forget_endpoint(self, network: str, endpoint: str) -> None:
        """Forgets an endpoint whose driver is gone or fails; what it made in the host may stay."""
        self._native.forget_endpoint(network, endpoint)

    def endpoint(self, network: str, endpoint: str) -> Endpoint:
        """One endpoint.

        :raises NotFoundError: there is none.
        """
        return Endpoint._later(self._native.endpoint(network, endpoint))

    def endpoints(self) -> list[Endpoint]:
        """All of them, by the names of their networks and theirs."""
        return list_from_json(Endpoint, self._native.endpoints())

    def endpoint_oper_info(self, network: str, endpoint: str) -> Mapping[str, Any]:
        """What its driver tells of an endpoint."""
        told: Mapping[str, Any] = json.loads(self._native.endpoint_oper_info(network, endpoint))
        return told

    def connect(
        self, network: str, sandbox: Sandbox, endpoint: given.AnEndpoint | str, **fields: Any
    ) -> Endpoint:
        """Joins a sandbox to a network by an endpoint that is made for it and goes with it, or by one of that name with
        these fields of :class:`EndpointConfig`: addresses are chosen, and the interface is up when this returns.

        :raises AlreadyExistsError: as :meth:`create_endpoint`; or the sandbox has such an interface or route.
        :raises NotFoundError: there is no such network.
        """
        return Endpoint._later(self._native.connect(network, native_of(sandbox), _wire(endpoint, fields)))

    def plan_connect(
        self, network: str, sandbox: Sandbox, endpoint: given.AnEndpoint | str, **fields: Any
    ) -> _netns.Plan:
        """What :meth:`connect` would do; nothing is recorded, and no address is kept."""
        return self._native.plan_connect(network, native_of(sandbox), _wire(endpoint, fields))

    def join(self, network: str, endpoint: str, sandbox: Sandbox) -> Endpoint:
        """Joins a sandbox to a network by an endpoint that was made before.

        :raises BusyError: it is in a sandbox.
        :raises NotFoundError: there is no such endpoint.
        """
        return Endpoint._later(self._native.join(network, endpoint, native_of(sandbox)))

    def link(self, network: str, endpoint: given.AnEndpoint | str, **fields: Any) -> Endpoint:
        """Makes an endpoint of two devices in the host, of which its caller moves one into a sandbox with
        :meth:`Sandbox.add_interface`."""
        return Endpoint._later(self._native.link(network, _wire(endpoint, fields)))

    def plan_link(self, network: str, endpoint: given.AnEndpoint | str, **fields: Any) -> _netns.Plan:
        """What :meth:`link` would do."""
        return self._native.plan_link(network, _wire(endpoint, fields))

    def leave(self, network: str, endpoint: str) -> None:
        """Takes an endpoint out of its sandbox; one that :meth:`connect` made goes."""
        self._native.leave(network, endpoint)

    def disconnect(self, network: str, endpoint: str) -> None:
        """Takes an endpoint out of its sandbox and deletes it; one that is gone is no error."""
        self._native.disconnect(network, endpoint)

    def publish(
        self, network: str, endpoint: str, ports: Iterable[given.APort]
    ) -> list[PortMapping]:
        """Makes ports of the host an endpoint's; returns them with those of the host's that were chosen.

        :raises AlreadyExistsError: a port is taken.
        """
        return list_from_json(PortMapping, self._native.publish(network, endpoint, _ports(ports)))

    def withdraw(self, network: str, endpoint: str, ports: Iterable[given.APort]) -> None:
        """Takes published ports back."""
        self._native.withdraw(network, endpoint, _ports(ports))

    def create_sandbox(self, name: str) -> Sandbox:
        """Makes a sandbox that this controller knows of: at the end of a ``with`` block it goes with its endpoints.

        :raises AlreadyExistsError: there is one by that name.
        """
        return Sandbox._of(self._native.create_sandbox(name), self._native.destroy_sandbox)

    def open_sandbox(self, name: str) -> Sandbox:
        """Opens a sandbox of this controller's directory.

        :raises NotFoundError: there is none.
        """
        return Sandbox._of(self._native.open_sandbox(name), self._native.destroy_sandbox)

    def sandboxes(self) -> list[SandboxDetails]:
        """All of them, with their endpoints."""
        return list_from_json(SandboxDetails, self._native.sandboxes())

    def destroy_sandbox(self, sandbox: Sandbox) -> None:
        """Ends a sandbox with its endpoints; one that is gone is no error."""
        self._native.destroy_sandbox(native_of(sandbox))

    def remove_sandbox(self, name: str) -> None:
        """As :meth:`destroy_sandbox`, without opening it."""
        self._native.remove_sandbox(name)

    def collect(self) -> list[Finding]:
        """Finds what processes that are gone left half done, and puts it right."""
        return _findings(self._native.collect())

    def plan_collect(self) -> list[Finding]:
        """What :meth:`collect` would find now, with nothing changed."""
        return _findings(self._native.plan_collect())

    def restore_firewall(self) -> None:
        """Puts the firewall back as the store has it, after somebody flushed the ruleset.

        :raises UnsupportedError: the kernel has no nf_tables, and a network requires them.
        """
        self._native.restore_firewall()

    def watch_firewall(self) -> FirewallWatch:
        """Has a thread do so whenever its table vanishes."""
        return FirewallWatch(self._native.watch_firewall())

    def __enter__(self) -> Controller:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<netns.Controller, closed>" if self.closed else f"<netns.Controller of {self.directories[1]}>"


def _path(directory: Directory) -> Path | None:
    return None if directory is None else Path(directory)


def _paths(directories: Directories, name: str) -> list[Path] | None:
    if isinstance(directories, str):
        raise TypeError(f"{name} is a sequence of directories, not one")
    return None if directories is None else [Path(directory) for directory in directories]


def _seconds(timeout: float | None) -> float | None:
    if timeout is not None and not 0 < timeout <= 86400:
        raise refused(f"plugin_timeout {timeout}", "it is no number of seconds of at most a day")
    return timeout


def _wire(endpoint: given.AnEndpoint | str, fields: dict[str, Any]) -> str:
    if isinstance(endpoint, str):
        if not fields:
            return json.dumps(endpoint)
        endpoint = EndpointConfig(endpoint, **fields)
    elif fields:
        raise TypeError("fields go with the name of an endpoint, not with its config")
    return to_json(converted(EndpointConfig, endpoint, "endpoint"))


def _ports(ports: Iterable[given.APort]) -> str:
    return to_json(converted(tuple[PortMapping, ...], ports, "ports"))


def _findings(text: str) -> list[Finding]:
    return [from_wire(Finding, each) for each in json.loads(text)["findings"]]
