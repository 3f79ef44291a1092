"""Sandboxes: namespaces with a place in the file system, and with interfaces."""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from . import _netns
from ._convert import converted, wrong
from ._interfaces import Interface, StaticRoute
from ._namespace import Command, Namespace
from ._results import Info
from ._values import from_json, to_json

if TYPE_CHECKING:
    import subprocess

    from . import _given as given

T = TypeVar("T")


class Sandbox:
    """A network namespace with a place in the file system, where ``ip netns`` sees it.

    ``with netns.Sandbox("a") as a:`` destroys it at the end. Without ``with`` it lasts until :meth:`destroy`, or until
    the host restarts: dropping the object does not destroy it.
    """

    def __init__(self, name: str, *, base: str | os.PathLike[str] | None = None) -> None:
        """Makes one with ``lo`` up, under ``/run/netns`` or another directory.

        :raises AlreadyExistsError: there is one by that name.
        :raises BadRequestError: the name is none.
        :raises PermissionDeniedError: without ``CAP_SYS_ADMIN``.
        """
        self._set(_netns.Sandbox.create(name, None if base is None else Path(base)), None)

    def _set(self, native: _netns.Sandbox, destroy: Callable[[_netns.Sandbox], None] | None) -> None:
        self._native = native
        self._destroy = destroy

    @classmethod
    def _of(cls, native: _netns.Sandbox, destroy: Callable[[_netns.Sandbox], None] | None = None) -> Sandbox:
        made = object.__new__(cls)
        made._set(native, destroy)
        return made

    @classmethod
    def open(cls, name: str, *, base: str | os.PathLike[str] | None = None) -> Sandbox:
        """Opens the one that this or another process, or ``ip netns add``, made.

        :raises NotFoundError: there is none.
        """
        return cls._of(_netns.Sandbox.open(name, None if base is None else Path(base)))

    @staticmethod
    def remove(name: str, *, base: str | os.PathLike[str] | None = None) -> None:
        """Removes whatever sandbox has that name, without opening it; none is no error."""
        _netns.Sandbox.remove(name, None if base is None else Path(base))

    @property
    def name(self) -> str:
        """What ``ip netns`` calls it."""
        return self._native.name()

    @property
    def path(self) -> Path:
        """Where it is mounted."""
        return self._native.path()

    def namespace(self) -> Namespace:
        """A handle of the namespace.

        :raises NotFoundError: it was destroyed through this object. So do all methods below.
        """
        return Namespace._of(self._native.namespace())

    def info(self) -> Info:
        """Interfaces, gateways and static routes, read from the kernel."""
        return from_json(Info, self._native.info())

    def interfaces(self) -> tuple[Interface, ...]:
        """What this library brought; never ``lo``, nor what others made."""
        return self.info().interfaces

    def add_interface(self, interface: Interface | given.Fields) -> Interface:
        """Moves a device of the host in, renames and configures it; returns it under its final name.

        :raises NotFoundError: there is no such device.
        :raises AlreadyExistsError: the name is taken, or an address overlaps a route.
        """
        return from_json(Interface, self._native.add_interface(to_json(_an_interface(interface))))

    def plan_add_interface(self, interface: Interface | given.Fields) -> _netns.Plan:
        """What :meth:`add_interface` would do."""
        return self._native.plan_add_interface(to_json(_an_interface(interface)))

    def remove_interface(self, interface: Interface | given.Fields) -> None:
        """Takes the interface back to the host, under its source name; one that is gone is no error."""
        self._native.remove_interface(to_json(_an_interface(interface)))

    def set_gateway(self, gateway: IPv4Address | str) -> None:
        """Sets the IPv4 default gateway, in place of the one that is there.

        :raises BadRequestError: no interface that is up has an address in whose subnet it lies.
        """
        self._native.set_gateway(to_json(converted(IPv4Address, gateway, "gateway")))

    def set_gateway_ipv6(self, gateway: IPv6Address | str) -> None:
        """Sets the IPv6 default gateway, in the same way."""
        self._native.set_gateway_ipv6(to_json(converted(IPv6Address, gateway, "gateway")))

    def add_static_route(self, route: given.ARoute) -> None:
        """Adds a route.

        :raises BadRequestError: no interface leads to it.
        """
        self._native.add_static_route(to_json(converted(StaticRoute, route, "route")))

    def remove_static_route(self, route: given.ARoute) -> None:
        """Removes a route; one that is gone is no error."""
        self._native.remove_static_route(to_json(converted(StaticRoute, route, "route")))

    def enter(self) -> _netns.Inside:
        """See :meth:`Namespace.enter`."""
        return self._native.namespace().enter()

    def call(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """See :meth:`Namespace.call`."""
        return self.namespace().call(function, *args, **kwargs)

    def popen(self, args: Command, **kwargs: Any) -> subprocess.Popen[Any]:
        """See :meth:`Namespace.popen`."""
        return self.namespace().popen(args, **kwargs)

    def run(self, args: Command, **kwargs: Any) -> subprocess.CompletedProcess[Any]:
        """See :meth:`Namespace.run`."""
        return self.namespace().run(args, **kwargs)

    def destroy(self) -> None:
        """Ends it; repeated calls succeed. One that a controller made goes with its endpoints.

        The kernel takes the namespace down once no process and no handle is left in it.
        """
        if self._destroy is None:
            self._native.destroy()
        else:
            self._destroy(self._native)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.destroy()

    def __repr__(self) -> str:
        return f"<netns.Sandbox {self.path}>"


def generate_key(id: str) -> Path:
    """Where the sandbox of a container is: ``/run/netns`` and the first 12 bytes of the id.

    :raises BadRequestError: the id is no name.
    """
    return _netns.generate_key(id)


def native_of(sandbox: Sandbox) -> _netns.Sandbox:
    """What the native module calls a sandbox.

    :raises TypeError: it is none.
    """
    if not isinstance(sandbox, Sandbox):
        raise wrong("sandbox", "netns.Sandbox", sandbox)
    return sandbox._native


def _an_interface(interface: Interface | given.Fields) -> Interface:
    made: Interface = converted(Interface, interface, "interface")
    return made
