"""Counters."""

from __future__ import annotations

import subprocess

import pytest
from conftest import Host, needs_counters

import netns


def ping(sandbox: netns.Sandbox, address: object, count: int) -> None:
    command = ["ping", "-n", "-q", f"-c{count}", "-i0.01", "-W2", str(address)]
    sandbox.run(command, check=True, stdout=subprocess.DEVNULL)


def test_statistics_count_what_was_sent(host: Host) -> None:
    with netns.Controller() as controller:
        gateway = controller.create_network("n").subnets[0].gateway
        with controller.create_sandbox("a") as a:
            controller.connect("n", a, "e")
            before = controller.endpoint_stats("n", "e").stats
            ping(a, gateway, 10)
            after = controller.endpoint_stats("n", "e").stats
            assert after.tx_packets - before.tx_packets >= 10
            assert after.rx_bytes - before.rx_bytes >= 10 * 98
            [of_all] = controller.stats(netns.Detail.FAST)
            assert (of_all.network, of_all.endpoint) == ("n", "e")
            [link] = host.ip_in("a", "-s", "link", "show", "eth0")
            assert link["stats64"]["tx"]["packets"] >= after.tx_packets >= 10
        with pytest.raises(netns.NotFoundError):
            controller.endpoint_stats("n", "e")
        controller.delete_network("n")


def test_all_counters_are_read_at_once(host: Host) -> None:
    with netns.Controller() as controller:
        meter = needs_counters(controller)
        assert len(meter.snapshot()) == 0
        gateway = controller.create_network("n").subnets[0].gateway
        sandboxes = [controller.create_sandbox(f"s{number}") for number in range(3)]
        endpoints = [controller.connect("n", each, each.name) for each in sandboxes]
        ping(sandboxes[1], gateway, 20)
        snapshot = meter.snapshot()
        width = len(meter.COLUMNS)
        assert snapshot.readonly and snapshot.format == "Q" and len(snapshot) == 3 * width
        rows = [dict(zip(meter.COLUMNS, snapshot[at : at + width])) for at in range(0, len(snapshot), width)]
        by_slot = {(row["slot"], row["life"]): row for row in rows}
        for endpoint in endpoints:
            assert endpoint.meter is not None
            row = by_slot[endpoint.meter.slot, endpoint.meter.life]
            counters = meter.read(endpoint.meter)
            assert counters is not None and counters.tx_packets >= row["tx_packets"]
        assert endpoints[1].meter is not None
        assert by_slot[endpoints[1].meter.slot, endpoints[1].meter.life]["tx_packets"] >= 20
        reader = netns.MeterReader()
        assert sorted(reader.snapshot().tolist()[::width]) == sorted(snapshot.tolist()[::width])
        controller.set_meter("n", "s0", False)
        assert len(reader.snapshot()) == 3 * width
        reader.refresh()
        assert len(reader.snapshot()) == 2 * width
        assert len(meter.snapshot()) == 2 * width
        for sandbox in sandboxes:
            sandbox.destroy()
        assert meter.read(netns.SlotId(1, 12345)) is None
        controller.delete_network("n")


def test_any_link_can_be_metered(host: Host) -> None:
    with netns.Controller() as controller:
        meter = needs_counters(controller)
    subprocess.run(["ip", "link", "add", "d0", "type", "veth", "peer", "d9"], check=True)
    slot = meter.attach("d0")
    assert meter.read(slot) == netns.Counters()
    with pytest.raises(netns.AlreadyExistsError):
        meter.attach("d0")
    meter.detach("d0")
    meter.detach("d0")
    assert meter.read(slot) is None
    with pytest.raises(netns.NotFoundError):
        meter.attach("d1")
    subprocess.run(["ip", "link", "delete", "d0"], check=True)
