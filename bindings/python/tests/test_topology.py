"""Networks of hosts."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from conftest import Host

import netns

ROUTED: dict[str, Any] = {
    "networks": {"left": "10.1.0.0/24", "right": {"subnets": ["10.2.0.0/24", "fd02::/64"], "mtu": 1400}},
    "hosts": {
        "client": {"networks": ["left"], "gateway": "10.1.0.254"},
        "router": {"networks": {"left": "10.1.0.254", "right": "10.2.0.254"}, "forward": True},
        "server": {"networks": ["right"], "routes": [{"destination": "10.1.0.0/24", "next_hop": "10.2.0.254"}]},
    },
}


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())

    def log_message(self, *arguments: Any) -> None:
        pass


def test_three_hosts_are_routed(host: Host) -> None:
    topology = netns.Topology(**json.loads(json.dumps(ROUTED)))
    before = host.state()
    with topology.up("lab") as lab:
        assert list(lab) == ["client", "router", "server"] and len(lab) == 3
        assert host.sandboxes() == ["lab-client", "lab-router", "lab-server"]
        address = lab.address("server", "right")
        assert str(address) == "10.2.0.1" and str(lab.address("server", "right", ipv6=True)) == "fd02::2"
        with lab["server"].enter():
            server = HTTPServer((str(address), 80), Hello)
        thread = threading.Thread(target=server.handle_request)
        thread.start()

        def fetch() -> bytes:
            with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
                body: bytes = answer.read()
                return body

        assert lab["client"].call(fetch) == str(lab.address("client", "left")).encode()
        thread.join()
        server.server_close()
        mtus = [link["mtu"] for link in host.ip_in("lab-router", "link") if link["ifname"] != "lo"]
        assert mtus == [1500, 1400]
        lab["router"].run(["ping", "-n", "-c1", "-W2", "fd02::2"], check=True, stdout=subprocess.DEVNULL)
        with pytest.raises(netns.NotFoundError):
            lab.address("client", "right")
    host.returns_to(before)
    lab.down()


def test_a_lab_that_fails_leaves_nothing(host: Host) -> None:
    topology = netns.Topology(networks={"n": "10.1.0.0/24"}, hosts={"a": ["n"], "b": {"networks": ["n"], "gateway": "10.9.0.1"}})
    before = host.state()
    with pytest.raises(netns.BadRequestError, match="10.9.0.1"):
        topology.up()
    host.returns_to(before)
    topology = netns.Topology(networks={"n": "10.1.0.0/24"}, hosts={"a": ["n"]})
    with pytest.raises(KeyboardInterrupt), topology.up():
        raise KeyboardInterrupt
    host.returns_to(before)


@pytest.mark.parametrize(
    ("described", "expected", "word"),
    [
        ({"networks": {}, "hosts": {"a": ["gone"]}}, netns.BadRequestError, "gone"),
        ({"networks": {"n": "10.1.0.0/33"}, "hosts": {}}, netns.BadRequestError, "10.1.0.0/33"),
        ({"networks": {"n": "10.1.0.0/30"}, "hosts": {h: ["n"] for h in "abc"}}, netns.BadRequestError, "no address left"),
        ({"networks": {"n": "10.1.0.0/24"}, "hosts": {"a": {"networks": {"n": "10.2.0.1"}}}}, netns.BadRequestError, "outside"),
        (
            {"networks": {"n": "10.1.0.0/24"}, "hosts": {h: {"networks": {"n": "10.1.0.7"}} for h in "ab"}},
            netns.BadRequestError,
            "two hosts",
        ),
        ({"networks": {"n": 5.5}, "hosts": {}}, TypeError, "networks"),
        ({"networks": {}, "hosts": {"a": 5.5}}, TypeError, "hosts"),
        ({"networks": {}, "hosts": {"a": {"forward": "yes"}}}, TypeError, "forward"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    described: dict[str, Any], expected: type[Exception], word: str
) -> None:
    with pytest.raises(expected, match=word):
        netns.Topology(**described)
