"""What others add to a controller: drivers and address managements."""

from __future__ import annotations

from typing import Any

from . import _netns
from ._adapter import DriverAdapter
from ._convert import converted, plain
from ._driver import Discovery, Driver
from ._ipam import Ipam, IpamAdapter, KnownIpam
from ._values import to_json


class Registry:
    """The part of a controller that has drivers and address managements."""

    _native: _netns.Controller

    def discover_new(self, discovery: Discovery | str, data: Any) -> None:
        """Tells the drivers of global scope of a node, or of keys, that have come; ``data`` is what JSON can say.

        :raises Error: that of the first driver that fails, after all were told.
        """
        self._native.discover(converted(Discovery, discovery, "discovery").value, _said(data), True)

    def discover_delete(self, discovery: Discovery | str, data: Any) -> None:
        """Tells them of a node, or of keys, that have gone."""
        self._native.discover(converted(Discovery, discovery, "discovery").value, _said(data), False)

    def register_driver(self, network_type: str, driver: Driver) -> None:
        """Associates a driver with a type of network. It lives until the controller is closed: one that refers to its
        controller keeps it, since the garbage collector does not see that.

        :raises ForbiddenError: the type has one.
        """
        if not isinstance(driver, Driver):
            raise TypeError(f"netns.Driver expected, not {type(driver).__name__}")
        capability = {"data_scope": driver.data_scope, "connectivity_scope": driver.connectivity_scope}
        self._native.register_driver(network_type, DriverAdapter(driver), to_json(capability))

    def register_ipam(self, name: str, ipam: Ipam) -> None:
        """Makes an address management known, for networks whose definition names it.

        :raises ForbiddenError: the name is taken.
        """
        if not isinstance(ipam, Ipam):
            raise TypeError(f"netns.Ipam expected, not {type(ipam).__name__}")
        self._native.register_ipam(name, IpamAdapter(ipam))

    def ipam(self, name: str = "default") -> Ipam:
        """An address management: ``default``, the library's own, or one that was registered. What is requested of it is
        the caller's to release: the pools of networks and the addresses of endpoints are among what it has given out.

        :raises NotFoundError: there is none of that name, with the known ones.
        """
        return KnownIpam(self._native.ipam(name))


def _said(data: Any) -> str:
    return to_json(plain(data, "data"))
