"""What goes wrong, and how it is said."""

from __future__ import annotations

import builtins
import errno
import os
import pickle
import subprocess
import sys
from typing import Any

import pytest
from conftest import Host

import netns


def test_each_kind_is_an_exception_of_its_own(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n", subnets=["10.7.0.0/30"])
        a = controller.create_sandbox("a")
        controller.connect("n", a, "e")
        with pytest.raises(netns.NotFoundError, match="gone") as raised:
            controller.connect("gone", a, "e")
        assert raised.value.operation == "connect" and "gone" in raised.value.subject
        assert raised.value.kind == "not_found" and raised.value.rollback == ()
        with pytest.raises(netns.AlreadyExistsError) as exists:
            controller.create_network("n")
        assert exists.value.kind == "already_exists"
        with pytest.raises(netns.ResourceExhaustedError):
            controller.create_endpoint("n", "f")
        with pytest.raises(netns.BusyError):
            controller.delete_network("n")
        with pytest.raises(netns.BadRequestError):
            controller.create_network("m", options={"no such option": 1})
        with pytest.raises(netns.ForbiddenError):
            controller.register_driver("bridge", netns.Driver())
        a.destroy()
        controller.delete_network("n")


def test_errors_are_those_of_python_too(host: Host) -> None:
    assert issubclass(netns.Error, OSError)
    assert issubclass(netns.BadRequestError, ValueError)
    assert issubclass(netns.PermissionDeniedError, PermissionError)
    assert issubclass(netns.NotImplementedError, builtins.NotImplementedError)
    with pytest.raises(netns.NotFoundError) as raised:
        netns.Namespace("/run/nothing")
    assert raised.value.errno == errno.ENOENT
    assert "/run/nothing" in str(raised.value) and os.strerror(errno.ENOENT) in str(raised.value)
    with pytest.raises(netns.NotFoundError) as raised:
        netns.Controller().inspect_network("nothing")
    assert raised.value.errno is None


def test_an_error_can_be_pickled() -> None:
    undone = netns.BusyError("delete link: busy", operation="delete", subject="link", errno=errno.EBUSY)
    error = netns.NotFoundError("x y: z", operation="x", subject="y", kernel_message="z", rollback=(undone,))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is netns.NotFoundError and str(again) == "x y: z"
    assert (again.operation, again.subject, again.errno, again.kernel_message) == ("x", "y", None, "z")
    assert [(type(each), each.errno, str(each)) for each in again.rollback] == [
        (netns.BusyError, errno.EBUSY, "delete link: busy")
    ]


def test_a_process_without_rights_is_told_so(host: Host) -> None:
    program = (
        "import netns\n"
        "try: netns.Sandbox('a')\n"
        "except netns.PermissionDeniedError as error: print(error.errno, error)"
    )
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.startswith((f"{errno.EPERM} ", f"{errno.EACCES} ")), done


@pytest.mark.parametrize(
    "name", ["", "a/b", "..", "a" * 65, "a\0b", "-a", "/etc/passwd", "a\nb", "%s%n", "\ud800", "💣" * 64]
)
def test_hostile_names_are_refused(host: Host, name: str) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        with controller.create_sandbox("a") as a:
            for attempt in (
                lambda: netns.Sandbox(name),
                lambda: controller.create_sandbox(name),
                lambda: controller.create_network(name),
                lambda: controller.create_endpoint("n", name),
                lambda: controller.connect("n", a, name),
                lambda: controller.connect("n", a, "e", destination=f"{name}/"),
                lambda: controller.connect("n", a, "e", options={name: name}),
            ):
                with pytest.raises(netns.BadRequestError):
                    attempt()
            with pytest.raises((netns.BadRequestError, netns.NotFoundError)):
                controller.connect(name, a, "e")
            assert controller.endpoints() == [] and host.sandboxes() == ["a"]
        assert [network.name for network in controller.networks()] == ["n"]
        controller.delete_network("n")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5),
        ("name", None),
        ("name", b"e"),
        ("address", 5),
        ("address", b"10.0.0.1"),
        ("mtu", "1500"),
        ("mtu", 1500.0),
        ("mtu", True),
        ("aliases", "www"),
        ("aliases", [5]),
        ("routes", [5]),
        ("routes", {}),
        ("ports", [5.5]),
        ("options", [1]),
        ("options", {"a": object()}),
        ("labels", {"a": 1}),
        ("labels", {1: "a"}),
        ("meter", "yes"),
        ("default_route", 1),
        ("no_such_field", 1),
    ],
)
def test_wrong_types_are_type_errors(field: str, value: Any) -> None:
    with pytest.raises(TypeError, match=field):
        netns.EndpointConfig(**{"name": "e", field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "10.0.0.300"),
        ("address", "fd00::1"),
        ("address_ipv6", "10.0.0.1"),
        ("ports", ["80:90:100:110"]),
        ("ports", ["70000"]),
        ("mtu", 5),
        ("mtu", 2**70),
        ("mac", "nonsense"),
        ("destination", "far too long for an interface"),
        ("gateway_priority", 2**40),
        ("options", {"unknown": 1}),
    ],
)
def test_wrong_values_are_value_errors(host: Host, field: str, value: Any) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        with controller.create_sandbox("a") as a, pytest.raises(netns.BadRequestError):
            controller.connect("n", a, "e", **{field: value})
        assert controller.endpoints() == []
        controller.delete_network("n")


def test_wrong_objects_are_type_errors(host: Host) -> None:
    with netns.Controller() as controller:
        for attempt in (
            lambda: controller.connect("n", "a", "e"),  # type: ignore[arg-type]
            lambda: controller.connect(5, None, "e"),  # type: ignore[arg-type]
            lambda: controller.create_network(netns.EndpointConfig("e")),  # type: ignore[arg-type]
            lambda: controller.create_network(netns.NetworkConfig("n"), ipv6=True),
            lambda: controller.register_driver("x", object()),  # type: ignore[arg-type]
            lambda: controller.create_sandbox(5),  # type: ignore[arg-type]
            lambda: controller.stats(5),  # type: ignore[arg-type]
            lambda: netns.Sandbox(5),  # type: ignore[arg-type]
            lambda: netns.Network("n", 5),  # type: ignore[arg-type]
        ):
            with pytest.raises(TypeError):
                attempt()
    for out_of_range in (
        lambda: netns.Controller(lifetime="forever"),
        lambda: netns.Controller(meter_slots=65536),
        lambda: netns.Meter(slots=0),
        lambda: netns.Namespace.from_pid(-1),
        lambda: netns.Namespace.from_pid(2**64),
    ):
        with pytest.raises(netns.BadRequestError):
            out_of_range()


def test_what_is_closed_says_so(host: Host) -> None:
    controller = netns.Controller()
    a = controller.create_sandbox("a")
    controller.close()
    controller.close()
    assert controller.closed
    for attempt in (
        controller.networks,
        controller.collect,
        controller.events,
        lambda: controller.create_network("n"),
        lambda: controller.connect("n", a, "e"),
        lambda: controller.create_sandbox("b"),
        a.destroy,
    ):
        with pytest.raises(netns.ClosedError, match="closed"):
            attempt()
    netns.Sandbox.remove("a")
