"""Plugins are found, listed and activated."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import Host

import netns

ANSWER = b'{"Implements":["IpamDriver"]}'


def serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            asked = connection.recv(65536)
            status, body = (b"200 OK", ANSWER) if b"Plugin.Activate" in asked else (b"404 Not Found", b"none")
            length = str(len(body)).encode()
            connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: " + length + b"\r\n\r\n" + body)


def test_plugins_are_listed_and_activated(host: Host, tmp_path: Path) -> None:
    sockets, specs = tmp_path / "sockets", tmp_path / "specs"
    sockets.mkdir()
    specs.mkdir()
    (specs / "odd.spec").write_text("pigeon://home")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(sockets / "wire.sock"))
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        own: dict[str, Any] = {"plugin_socket_dirs": [sockets], "plugin_spec_dirs": [str(specs)]}
        with netns.Controller(plugin_timeout=20, **own) as controller:
            odd, wire = controller.plugins()
            assert odd.name == "odd" and odd.address is None and odd.error is not None and "pigeon" in odd.error
            assert wire == netns.FoundPlugin("wire", f"{sockets}/wire.sock", f"unix://{sockets}/wire.sock")
            assert controller.activate_plugin("wire") == ["IpamDriver"]
            with pytest.raises(netns.NotFoundError, match=str(sockets)):
                controller.activate_plugin("none")
            with pytest.raises(netns.BadRequestError, match="pigeon"):
                controller.activate_plugin("odd")
            with pytest.raises(netns.NotFoundError, match="IpamDriver"):
                controller.create_network("far", type="wire")
        with netns.Controller(plugins=False, **own) as controller:
            assert controller.plugins() == []
        listener.shutdown(socket.SHUT_RDWR)
    for wrong in (0, -1, 86401, float("nan")):
        with pytest.raises(netns.BadRequestError):
            netns.Controller(plugin_timeout=wrong)
    with pytest.raises(TypeError):
        netns.Controller(plugin_socket_dirs=str(sockets))


def test_a_network_can_be_forgotten_unless_it_is_used(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("far", type="bridge", subnets=["10.7.0.0/24"])
        controller.create_endpoint("far", "web")
        with pytest.raises(netns.BusyError, match="web"):
            controller.forget_network("far")
        controller.forget_endpoint("far", "web")
        controller.forget_network("far")
        assert controller.networks() == []
        controller.forget_network("far")
