"""Networks that last, from Python."""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface

import pytest
from conftest import Host, eventually

import netns


def test_the_quick_start(host: Host) -> None:
    with netns.Controller() as controller:
        network = controller.create_network("demo", ipv6=True)
        gateways = [subnet.gateway for subnet in network.subnets]
        with controller.create_sandbox("web") as web:
            endpoint = controller.connect("demo", web, "web")
            assert isinstance(endpoint.address, IPv4Interface)
            assert isinstance(endpoint.address_ipv6, IPv6Interface)
            [eth0] = [link for link in host.ip_in("web", "address") if link["ifname"] == "eth0"]
            seen = {f"{each['local']}/{each['prefixlen']}" for each in eth0["addr_info"] if each["scope"] == "global"}
            assert seen == {str(endpoint.address), str(endpoint.address_ipv6)}
            for gateway in gateways:
                web.run(["ping", "-n", "-c1", "-W2", str(gateway)], check=True, stdout=subprocess.DEVNULL)
        assert host.sandboxes() == []
        controller.delete_network("demo")
        assert controller.networks() == []


def test_configs_come_back_as_they_went(host: Host) -> None:
    firewall = netns.FirewallConfig(isolate=netns.Isolate.STRICT, source=())
    subnet = netns.SubnetConfig(
        IPv4Network("10.7.0.0/24"),
        gateway=IPv4Address("10.7.0.1"),
        range=IPv4Network("10.7.0.128/25"),
        auxiliary={"router": IPv4Address("10.7.0.200")},
    )
    asked = netns.NetworkConfig("n", subnets=(subnet,), firewall=firewall, labels={"a": "b"}, options={"hairpin": True})
    endpoint = netns.EndpointConfig(
        "e",
        destination=netns.Destination(name="web0"),
        address=IPv4Address("10.7.0.130"),
        mac="02:42:0a:07:00:82",
        mtu=1400,
        aliases=("www",),
        sysctls={"net.ipv4.conf.IFNAME.log_martians": "1"},
        routes=(netns.StaticRoute(IPv4Network("192.0.2.0/24"), IPv4Address("10.7.0.9")),),
        neighbours=(netns.Neighbour(IPv4Address("10.7.0.10"), "02:00:00:00:00:01"),),
        gateway_priority=3,
        meter=False,
        ports=(netns.PortMapping(netns.PortRange(80), netns.PortRange(8080)),),
        labels={"x": "y"},
    )
    with netns.Controller() as controller:
        assert controller.create_network(asked) == asked
        with controller.create_sandbox("a") as a:
            joined = controller.connect("n", a, endpoint)
            assert joined.config == endpoint
            assert joined.interface is not None and joined.interface.name == "web0"
            assert joined.meter is None and joined.ports == endpoint.ports
            details = controller.inspect_network("n")
            assert [each.name for each in details.endpoints] == ["e"]
            assert details.firewall == firewall and details.usage[0].subnet == subnet.subnet
            assert controller.endpoints() == [controller.endpoint("n", "e")]
            [sandbox] = controller.sandboxes()
            assert (sandbox.path, [each.name for each in sandbox.endpoints]) == (str(a.path), ["e"])
            [link] = [link for link in host.ip_in("a", "link") if link["ifname"] == "web0"]
            assert (link["mtu"], link["address"]) == (1400, "02:42:0a:07:00:82")
        controller.delete_network("n")


def test_text_does_where_an_address_is_expected(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n", subnets=["10.7.0.0/24"])
        with controller.create_sandbox("a") as a:
            endpoint = controller.connect("n", a, "e", address="10.7.0.77", destination="web0", ports=["8080-8081:80-81/udp"])
            assert endpoint.address == IPv4Interface("10.7.0.77/24")
            assert endpoint.ports == (netns.PortMapping.parse("8080-8081:80-81/udp"),)
        controller.delete_network("n")


def test_an_endpoint_is_made_joined_and_left(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        made = controller.create_endpoint("n", "e")
        assert made.sandbox is None and made.interface is None
        with controller.create_sandbox("a") as a:
            joined = controller.join("n", "e", a)
            assert joined.address == made.address and joined.sandbox == str(a.path)
            with pytest.raises(netns.BusyError):
                controller.delete_endpoint("n", "e")
            controller.leave("n", "e")
            assert [each.name for each in a.interfaces()] == []
            controller.delete_endpoint("n", "e")
        controller.delete_network("n")


def test_a_plan_changes_nothing_and_says_what_it_would(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        with controller.create_sandbox("a") as a:
            before = host.state()
            plan = controller.plan_connect("n", a, "e")
            assert host.state() == before and controller.endpoints() == []
            assert "eth0" in str(plan) and len(plan) > 0
            assert netns.Plan(plan.to_json()) == plan
            assert len(json.loads(plan.to_json())["steps"]) == len(plan)
            with pytest.raises(netns.BadRequestError, match="plan"):
                netns.Plan('{"step": []}')
        controller.delete_network("n")


def test_ports_are_published_and_withdrawn(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        with controller.create_sandbox("a") as a:
            controller.connect("n", a, "e")
            [published] = controller.publish("n", "e", ["80"])
            assert published.host_ports is not None
            port = published.host_ports.first
            with pytest.raises(netns.AlreadyExistsError):
                controller.publish("n", "e", [f"{port}:81"])
            assert str(port) in json.dumps(host.nft("list", "ruleset"))
            controller.withdraw("n", "e", [published])
            assert controller.endpoint("n", "e").ports == ()
        controller.delete_network("n")


def tables(host: Host) -> set[tuple[str, str]]:
    listed = [each["table"] for each in host.nft("list", "tables")["nftables"] if "table" in each]
    return {(table["family"], table["name"]) for table in listed}


def test_a_flushed_firewall_is_restored(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        controller.connect("n", (a := controller.create_sandbox("a")), "e")
        before = tables(host)
        assert ("inet", "libnetns") in before
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        controller.restore_firewall()
        assert tables(host) == before
        a.destroy()
        controller.delete_network("n")


def test_a_firewall_that_is_watched_comes_back(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        a = controller.create_sandbox("a")
        controller.connect("n", a, "e")
        before = tables(host)
        with controller.watch_firewall():
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            eventually(lambda: tables(host) == before)
        a.destroy()
        controller.delete_network("n")


def test_what_a_dead_process_left_is_collected(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        program = (
            "import netns; c = netns.Controller(lifetime='process'); "
            "c.connect('n', c.create_sandbox('lost'), 'e'); import os; os._exit(0)"
        )
        with controller.create_sandbox("kept"):
            subprocess.run([sys.executable, "-c", program], check=True)
            assert host.sandboxes() == ["kept", "lost"]
            planned = controller.plan_collect()
            assert host.sandboxes() == ["kept", "lost"]
            found = controller.collect()
            assert "sandbox" in {each.kind for each in found} & {each.kind for each in planned}
            assert all(each.error is None for each in found)
            assert host.sandboxes() == ["kept"]
        controller.delete_network("n")


def test_what_is_left_is_seen_before_it_is_put_right(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        controller.connect("n", controller.create_sandbox("lost"), "e")
        subprocess.run(["ip", "netns", "delete", "lost"], check=True)
        with netns.Controller(uncollected=True) as looking:
            assert "endpoint" in {each.kind for each in looking.plan_collect()}
            assert [each.name for each in looking.endpoints()] == ["e"]
        with netns.Controller() as other:
            assert other.endpoints() == []
        controller.delete_network("n")


def test_events_tell_what_happens(host: Host) -> None:
    with netns.Controller() as controller, controller.events() as events:
        controller.create_network("n")
        event = events.next(timeout=5)
        assert event is not None
        assert (event.kind, event.network, event.missed) == (netns.EventKind.NETWORK_CREATED, "n", 0)
        assert abs(event.time.timestamp() * 1000 - event.time_ms) < 1
        controller.delete_network("n")
        assert next(events).kind == netns.EventKind.NETWORK_DELETED
        assert events.next(timeout=0) is None
        events.close()
        assert list(events) == []
        with pytest.raises(netns.ClosedError):
            events.next()


def test_events_can_be_awaited(host: Host) -> None:
    import asyncio

    async def main(controller: netns.Controller) -> list[netns.EventKind]:
        seen = []
        with controller.events() as events:
            await asyncio.to_thread(controller.create_network, "n")
            await asyncio.to_thread(controller.delete_network, "n")
            async for event in events:
                seen.append(event.kind)
                if len(seen) == 2:
                    events.close()
        return seen

    with netns.Controller() as controller:
        kinds = asyncio.run(main(controller))
    assert kinds == [netns.EventKind.NETWORK_CREATED, netns.EventKind.NETWORK_DELETED]


def test_a_controller_can_have_all_in_one_directory(host: Host) -> None:
    with netns.Controller(directory="/run/mine") as controller:
        controller.create_network("n")
        with controller.create_sandbox("a") as a:
            assert str(a.path).startswith("/run/mine/")
            assert controller.directories[1].as_posix() == "/run/mine/run"
        controller.delete_network("n")
    with pytest.raises(netns.BadRequestError, match="absolute"):
        netns.Controller(directory="relative")
