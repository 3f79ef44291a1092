"""Drivers and address managements in Python."""

from __future__ import annotations

import errno
import subprocess
import traceback
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network, ip_interface
from typing import Any

import pytest
from conftest import Host

import netns


class Wires(netns.Driver):
    """A veth a sandbox, whose end in the host has the gateway's address."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.gateway: IPv4Interface | None = None
        self.raises: dict[str, BaseException] = {}

    def note(self, method: str) -> None:
        self.calls.append(method)
        if method in self.raises:
            raise self.raises[method]

    def create_network(
        self, network: str, options: Mapping[str, Any], ipv4: Sequence[netns.IpamData], ipv6: Sequence[netns.IpamData]
    ) -> None:
        self.note("create_network")
        [data] = ipv4
        assert isinstance(data.gateway, IPv4Interface) and isinstance(data.pool, IPv4Network)
        self.gateway = data.gateway

    def delete_network(self, network: str) -> None:
        self.note("delete_network")

    def create_endpoint(
        self, network: str, endpoint: str, interface: netns.EndpointInterface, options: Mapping[str, Any]
    ) -> netns.CreatedEndpoint:
        self.note("create_endpoint")
        assert isinstance(interface.address, IPv4Interface)
        return netns.CreatedEndpoint(mac=None if interface.mac else "02:00:00:00:00:07")

    def delete_endpoint(self, network: str, endpoint: str) -> None:
        self.note("delete_endpoint")

    def endpoint_oper_info(self, network: str, endpoint: str) -> Mapping[str, Any]:
        return {"colour": "red"}

    def join(
        self, network: str, endpoint: str, sandbox_key: str, join: netns.JoinInfo, options: Mapping[str, Any]
    ) -> None:
        self.note("join")
        link = {"name": "wire7", "kind": {"veth": {"peer": {}}}, "up": True, "queues": 1}
        join.set_names("wire7", "wire")
        join.set_birth(netns.Birth(link))
        assert self.gateway is not None
        join.add_static_route("192.0.2.0/24", self.gateway.ip)
        join.set_gateway(self.gateway.ip)

    def leave(self, network: str, endpoint: str) -> None:
        self.note("leave")


def test_a_driver_in_python_makes_links(host: Host) -> None:
    with netns.Controller() as controller:
        driver = Wires()
        controller.register_driver("wires", driver)
        assert "wires" in controller.network_types()
        controller.create_network("n", type="wires")
        with controller.create_sandbox("a") as a:
            endpoint = controller.connect("n", a, "e")
            assert endpoint.mac == "02:00:00:00:00:07"
            assert endpoint.interface is not None and endpoint.interface.name == "wire0"
            assert "wire7" in host.links()
            assert controller.endpoint_oper_info("n", "e") == {"colour": "red"}
            assert str(a.info().gateway) == str(driver.gateway and driver.gateway.ip)
            assert [str(route.destination) for route in a.info().routes] == ["192.0.2.0/24"]
            controller.disconnect("n", "e")
            assert host.links() == ["lo"]
        controller.delete_network("n")
        # The plan is asked for anew where it is needed, so methods may be called again.
        order = list(dict.fromkeys(driver.calls))
        assert order == ["create_network", "create_endpoint", "join", "leave", "delete_endpoint", "delete_network"], driver.calls


@pytest.mark.parametrize("method", ["create_network", "create_endpoint", "join"])
@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (LookupError("no such wire"), netns.SystemCallError),
        (netns.ForbiddenError("no more wires"), netns.ForbiddenError),
        (netns.ResourceExhaustedError("no wire left"), netns.ResourceExhaustedError),
        (OSError(errno.ENOENT, "no wire"), netns.NotFoundError),
        (NotImplementedError(), netns.NotImplementedError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SystemExit(3), SystemExit),
    ],
)
def test_what_a_driver_raises_is_the_callers_error(
    host: Host, method: str, raised: BaseException, expected: type[BaseException]
) -> None:
    with netns.Controller() as controller:
        driver = Wires()
        controller.register_driver("wires", driver)
        if method != "create_network":
            controller.create_network("n", type="wires")
        driver.raises = {method: raised}
        with controller.create_sandbox("a") as a, pytest.raises(expected) as caught:
            if method == "create_network":
                controller.create_network("n", type="wires")
            controller.connect("n", a, "e")
        if isinstance(caught.value, netns.Error):
            assert caught.value.__cause__ is raised
            assert str(raised) in str(caught.value) and f"call {method} of wires" in str(caught.value)
            assert "in note" in "".join(traceback.format_exception(caught.value))
        else:
            assert caught.value is raised
        driver.raises = {}
        assert controller.endpoints() == [] and host.links() == ["lo"]
        for network in controller.networks():
            controller.delete_network(network.name)


def test_a_sandbox_whose_end_failed_is_destroyed_again(host: Host) -> None:
    with netns.Controller() as controller:
        driver = Wires()
        controller.register_driver("wires", driver)
        controller.create_network("n", type="wires")
        a = controller.create_sandbox("a")
        controller.connect("n", a, "e")
        driver.raises = {"leave": LookupError("stuck")}
        with pytest.raises(netns.Error, match="stuck"):
            a.destroy()
        driver.raises = {}
        a.destroy()
        a.destroy()
        assert controller.endpoints() == [] and controller.sandboxes() == [] and host.sandboxes() == []
        assert host.links() == ["lo"]
        controller.delete_network("n")


def test_what_a_driver_returns_is_checked(host: Host) -> None:
    class Wrong(Wires):
        def leave(self, network: str, endpoint: str) -> None:
            return "no plan"  # type: ignore[return-value]

        def create_endpoint(self, *arguments: Any) -> netns.CreatedEndpoint:
            return netns.CreatedEndpoint(mac="no address")

    with netns.Controller() as controller:
        controller.register_driver("wrong", Wrong())
        controller.register_driver("none", netns.Driver())
        controller.create_network("n", type="wrong")
        with pytest.raises(netns.BadRequestError, match="what create_endpoint of wrong returned"):
            controller.create_endpoint("n", "e")
        with pytest.raises(netns.NotImplementedError, match="create_network"):
            controller.create_network("m", type="none")
        controller.delete_network("n")


def test_a_driver_may_ask_the_controller(host: Host) -> None:
    with netns.Controller() as controller:

        class Asks(Wires):
            def create_network(self, *arguments: Any) -> None:
                with pytest.raises(netns.NotFoundError):
                    controller.inspect_network("nothing")
                super().create_network(*arguments)

        controller.register_driver("asks", Asks())
        controller.create_network("n", type="asks")
        controller.delete_network("n")


class Counting(netns.Ipam):
    """Gives 10.99.0.0/16 and its addresses in a row."""

    def __init__(self) -> None:
        self.last = 0
        self.released: list[str] = []

    def default_address_spaces(self) -> tuple[str, str]:
        return ("mine", "ours")

    def request_pool(self, request: netns.PoolRequest) -> netns.Pool:
        assert request.address_space == "mine" and request.options == {"colour": "red"}
        return netns.Pool("mine/10.99.0.0/16", IPv4Network("10.99.0.0/16"))

    def release_pool(self, pool: str) -> None:
        self.released.append(pool)

    def request_address(self, pool: str, wanted: object, options: Mapping[str, str]) -> Any:
        if wanted is not None:
            return ip_interface(f"{wanted}/16")
        self.last += 1
        if self.last > 3:
            raise netns.ResourceExhaustedError("three are enough")
        return ip_interface(f"10.99.0.{self.last}/16")

    def release_address(self, pool: str, address: object) -> None:
        self.released.append(str(address))


def test_addresses_can_be_managed_in_python(host: Host) -> None:
    with netns.Controller() as controller:
        ipam = Counting()
        controller.register_ipam("counting", ipam)
        network = controller.create_network("n", ipam="counting", ipam_options={"colour": "red"})
        assert str(network.subnets[0].gateway) == "10.99.0.1"
        assert str(controller.create_endpoint("n", "a").address) == "10.99.0.2/16"
        assert str(controller.create_endpoint("n", "b", address="10.99.7.7").address) == "10.99.7.7/16"
        controller.create_endpoint("n", "c")
        with pytest.raises(netns.ResourceExhaustedError, match="three are enough") as raised:
            controller.create_endpoint("n", "d")
        assert isinstance(raised.value.__cause__, netns.ResourceExhaustedError)
        for name in "abc":
            controller.delete_endpoint("n", name)
        controller.delete_network("n")
        assert {"10.99.0.2", "10.99.7.7", "10.99.0.3", "mine/10.99.0.0/16"} <= set(ipam.released)


def test_an_address_management_can_be_asked(host: Host) -> None:
    with netns.Controller() as controller:
        own = controller.ipam()
        assert own.default_address_spaces() == ("LocalDefault", "GlobalDefault")
        pool = own.request_pool(netns.PoolRequest("LocalDefault", pool="10.77.0.0/29"))
        assert pool.pool == IPv4Network("10.77.0.0/29") and pool.id == "LocalDefault/10.77.0.0/29"
        first = own.request_address(pool.id, None, {})
        assert first in (ip_interface(f"10.77.0.{number}/29") for number in range(1, 7))
        with pytest.raises(netns.AlreadyExistsError):
            own.request_address(pool.id, first.ip, {})
        own.release_address(pool.id, first.ip)
        own.release_address(pool.id, first.ip)  # it may be repeated
        own.release_pool(pool.id)
        for wrong in ("", "x", "LocalDefault/10.77.0.0/99"):
            with pytest.raises(netns.BadRequestError):
                own.release_pool(wrong)
        with pytest.raises(TypeError):
            own.request_address(pool.id, 7, {})  # type: ignore[arg-type]
        controller.register_ipam("counting", Counting())
        given = controller.ipam("counting").request_pool(netns.PoolRequest("mine", options={"colour": "red"}))
        assert given == netns.Pool("mine/10.99.0.0/16", IPv4Network("10.99.0.0/16"))
        with pytest.raises(netns.SystemCallError) as raised:
            controller.ipam("counting").request_pool(netns.PoolRequest("ours"))
        assert isinstance(raised.value.__cause__, AssertionError)
        with pytest.raises(netns.NotFoundError, match="counting, default"):
            controller.ipam("nobody")
    with pytest.raises(netns.ClosedError):
        own.default_address_spaces()


def test_the_library_logs_to_pythons_log(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    with netns.Controller() as controller:
        controller.create_network("n", firewall={"mode": "off"})
        controller.delete_network("n")
    subprocess.run(["sh", "-c", "echo rubbish >/run/libnetns/state.db"], check=True)
    netns.Controller().close()
    assert any(record.name == "netns" and record.levelname == "WARNING" for record in caplog.records)


def test_drivers_of_global_scope_are_told_of_nodes(host: Host) -> None:
    class Cluster(Wires):
        data_scope = netns.Scope.GLOBAL

        def __init__(self) -> None:
            super().__init__()
            self.told: list[Any] = []

        def discover_new(self, discovery: netns.Discovery, data: Any) -> None:
            self.told.append((discovery, data))

    with netns.Controller() as controller:
        cluster = Cluster()
        controller.register_driver("cluster", cluster)
        controller.register_driver("wires", Wires())
        controller.discover_new(netns.Discovery.NODE, {"Address": "192.0.2.1"})
        assert cluster.told == [(netns.Discovery.NODE, {"Address": "192.0.2.1"})]
        controller.discover_delete(netns.Discovery.NODE, {"Address": "192.0.2.1"})
        with pytest.raises(netns.BadRequestError):
            controller.discover_new("nothing", {})
