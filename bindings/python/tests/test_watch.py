"""Statistics for asyncio."""

from __future__ import annotations

import asyncio
import subprocess
import threading

import pytest
from conftest import Host

import netns
from netns._watch import next_due


def test_samples_come_as_time_goes_by(host: Host) -> None:
    with netns.Controller() as controller:
        gateway = controller.create_network("n").subnets[0].gateway
        with controller.create_sandbox("a") as a:
            controller.connect("n", a, "e")

            async def watch() -> list[netns.Sample]:
                samples: list[netns.Sample] = []
                async for sample in controller.watch_stats(0.01, detail=netns.Detail.FULL):
                    if not samples:
                        ping = ["ping", "-nqc5", "-i0.01", "-W2", str(gateway)]
                        await asyncio.to_thread(a.run, ping, check=True, stdout=subprocess.DEVNULL)
                    samples.append(sample)
                    if len(samples) == 4:
                        break
                return samples

            samples = asyncio.run(watch())
            counts = [each.stats["n", "e"].tx_packets for each in samples]
            assert counts == sorted(counts) and counts[-1] - counts[0] >= 5
            times = [each.time for each in samples]
            assert all(later > earlier for earlier, later in zip(times, times[1:]))
        controller.delete_network("n")


def test_other_tasks_run_meanwhile_and_closing_ends_it(host: Host) -> None:
    controller = netns.Controller()

    async def both() -> tuple[int, int]:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        samples = 0
        async for sample in controller.watch_stats(0.001):
            assert sample.stats == {}
            samples += 1
            if samples == 5:
                controller.close()
        task.cancel()
        return samples, turns

    samples, turns = asyncio.run(both())
    assert samples == 5 and turns > samples


@pytest.mark.parametrize(("now", "due"), [(10.0, 12.0), (10.5, 12.0), (12.0, 14.0), (17.9, 18.0), (100.0, 102.0)])
def test_who_is_late_gets_the_next_in_time(host: Host, now: float, due: float) -> None:
    assert next_due(10.0, now, 2.0) == due


def test_it_can_be_cancelled(host: Host) -> None:
    with netns.Controller() as controller:

        async def watch() -> None:
            async for _ in controller.watch_stats(3600):
                pass

        async def cancel() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(watch(), 0.1)

        asyncio.run(cancel())
        assert threading.active_count() == 1


@pytest.mark.parametrize("interval", [0, -1, float("inf"), float("nan")])
def test_an_interval_is_above_nothing(host: Host, interval: float) -> None:
    with netns.Controller() as controller, pytest.raises(netns.BadRequestError):
        controller.watch_stats(interval)
