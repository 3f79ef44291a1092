"""Counters."""

from __future__ import annotations

import subprocess
import time

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
    owner = meter.owner(slot)
    assert owner is not None and owner.inside and (owner.mark, owner.digest) == (0, 0)
    with pytest.raises(netns.AlreadyExistsError):
        meter.attach("d0")
    meter.detach("d0")
    meter.detach("d0")
    assert meter.read(slot) is None and meter.owner(slot) is None
    with pytest.raises(netns.NotFoundError):
        meter.attach("d1")
    subprocess.run(["ip", "link", "delete", "d0"], check=True)


def test_rates_are_a_second(host: Host) -> None:
    with netns.Controller() as controller:
        meter = needs_counters(controller)
        gateway = controller.create_network("n").subnets[0].gateway
        with controller.create_sandbox("a") as a:
            slot = controller.connect("n", a, "e").meter
            assert slot is not None
            reader = netns.MeterReader()
            began = time.monotonic()
            earlier = meter.read_all(), reader.read_all()
            inner = time.monotonic()
            before = meter.read(slot)
            ping(a, gateway, 20)
            after = meter.read(slot)
            shortest = time.monotonic() - inner
            later = meter.read_all(), reader.read_all()
            longest = time.monotonic() - began
            assert before is not None and after is not None
            sent = after.tx_packets - before.tx_packets
            for early, late in zip(earlier, later):
                rates = late.rates_since(early)
                assert list(rates) == [slot] and isinstance(rates[slot], netns.Rate)
                # A neighbour that is asked for may come between the looks.
                assert sent / longest <= rates[slot].tx_packets <= (sent + 10) / shortest
                assert len(late.rows()) == len(meter.COLUMNS) and late.rows()[0] == slot.slot
                assert early.rates_since(late) == {slot: netns.Rate()}
            assert netns.Snapshot is type(later[0])
            with pytest.raises(TypeError):
                later[0].rates_since(meter.snapshot())  # type: ignore[arg-type]
        controller.delete_network("n")


def test_a_slot_says_whose_it_is(host: Host) -> None:
    with netns.Controller() as controller:
        meter = needs_counters(controller)
        controller.create_network("n")
        with controller.create_sandbox("a") as a:
            slot = controller.connect("n", a, "e").meter
            assert slot is not None
            owner = meter.owner(slot)
            assert owner is not None and not owner.inside and owner.mark != 0
            [port] = [link for link in host.ip("link") if link["ifname"].startswith("veth")]
            assert owner.index == port["ifindex"]
            [row] = [dict(zip(meter.COLUMNS, meter.snapshot()))]
            assert (owner.digest, owner.index) == (row["digest"], row["index"])
            assert meter.owner(netns.SlotId(slot.slot, slot.life + 1)) is None
        controller.delete_network("n")
