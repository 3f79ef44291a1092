"""The foundation's network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _netns
from ._convert import converted
from ._interfaces import EndpointOptions, Interface, NetworkOptions
from ._sandbox import Sandbox, native_of
from ._values import from_json, list_from_json, to_json
if TYPE_CHECKING:
    from . import _given as given


class Network:
    """A bridge network of which nothing but the kernel knows; the caller chooses all addresses."""

    def __init__(self, name: str, options: NetworkOptions | given.Fields | None = None, *, type: str = "bridge") -> None:
        """Its bridge is made when it is missing, and used when it is there.

        :raises AlreadyExistsError: the bridge's name belongs to a link that is no bridge.
        :raises BadRequestError: gateways that cannot be a host's address.
        """
        options = NetworkOptions() if options is None else converted(NetworkOptions, options, "options")
        self._native = _netns.Network.create(type, name, to_json(options))

    @property
    def name(self) -> str:
        """The name that the caller chose."""
        return self._native.name()

    @property
    def type(self) -> str:
        """``bridge``."""
        return self._native.kind()

    @property
    def bridge(self) -> str:
        """The bridge's name."""
        return self._native.bridge()

    @property
    def mtu(self) -> int:
        """In bytes, the most that an endpoint's can be."""
        return self._native.mtu()

    @property
    def options(self) -> NetworkOptions:
        """What it was made with."""
        return from_json(NetworkOptions, self._native.options())

    def join(self, sandbox: Sandbox, endpoint: given.AnOptions | str, **fields: Any) -> Interface:
        """Joins a sandbox by an endpoint, or by one of that name with these fields of :class:`EndpointOptions`; its
        interface is up and configured when this returns.

        :raises AlreadyExistsError: the network has an endpoint of that name, or the sandbox such an interface or route.
        :raises BadRequestError: the settings contradict one another or the network.
        """
        return from_json(Interface, self._native.join(native_of(sandbox), _wire(endpoint, fields)))

    def plan_join(self, sandbox: Sandbox, endpoint: given.AnOptions | str, **fields: Any) -> _netns.Plan:
        """What :meth:`join` would do."""
        return self._native.plan_join(native_of(sandbox), _wire(endpoint, fields))

    def apply(self, plan: _netns.Plan, sandbox: Sandbox) -> None:
        """Carries out a plan of this network and the sandbox, as a whole or not at all."""
        self._native.apply(plan, native_of(sandbox))

    def link(self, endpoint: given.AnOptions | str, **fields: Any) -> list[Interface]:
        """Makes an endpoint of two devices in the host; the interfaces say what :meth:`Sandbox.add_interface` moves."""
        return list_from_json(Interface, self._native.link(_wire(endpoint, fields)))

    def plan_link(self, endpoint: given.AnOptions | str, **fields: Any) -> _netns.Plan:
        """What :meth:`link` would do."""
        return self._native.plan_link(_wire(endpoint, fields))

    def unlink(self, name: str) -> None:
        """Removes an endpoint, wherever its interface is by now; one that is gone is no error."""
        self._native.unlink(name)

    def delete(self) -> None:
        """Deletes the network; one that is gone is no error.

        :raises BusyError: endpoints are left.
        """
        self._native.delete()

    def __repr__(self) -> str:
        return f"<netns.Network {self.name} on {self.bridge}>"


def _wire(endpoint: given.AnOptions | str, fields: dict[str, Any]) -> str:
    if isinstance(endpoint, str):
        endpoint = EndpointOptions(endpoint, **fields)
    elif fields:
        raise TypeError("fields go with the name of an endpoint, not with its options")
    return to_json(converted(EndpointOptions, endpoint, "endpoint"))
