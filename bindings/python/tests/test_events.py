"""Events, awaited."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Host, eventually

import netns


def happen(controller: netns.Controller, number: int = 0) -> str:
    """Has a network come. The kernel's queue is short: who has many come waits for the listener in between."""
    name = f"n{number}"
    controller.create_network(name, type="null", meter=False, firewall={"mode": "off"})
    return name


def clear(controller: netns.Controller) -> None:
    for network in controller.networks():
        controller.delete_network(network.name)


def listeners() -> int:
    return sum(thread.name == "netns-events" for thread in threading.enumerate())


def test_a_cancelled_task_takes_no_event_away(host: Host) -> None:
    async def main(controller: netns.Controller, events: netns.Events) -> None:
        for _ in range(5):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(events.__anext__(), 0.02)
        for number in range(20):
            task = asyncio.ensure_future(events.__anext__())
            await asyncio.sleep(0)
            name = happen(controller, number)
            await asyncio.sleep(0.001 * (number % 5))
            if number % 2:
                task.cancel()
            try:
                event = await asyncio.wait_for(task, 30)
            except asyncio.CancelledError:
                event = await asyncio.wait_for(events.__anext__(), 30)
            assert event.network == name

    with netns.Controller() as controller, controller.events() as events:
        asyncio.run(main(controller, events))
        clear(controller)


def test_listeners_leave_the_executor_alone(host: Host) -> None:
    async def main(controller: netns.Controller) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        all_events = [controller.events() for _ in range(40)]
        tasks = [asyncio.ensure_future(events.__anext__()) for events in all_events]
        # Whoever waited in the executor would wait for the event, which comes only when this was done.
        assert await asyncio.wait_for(asyncio.to_thread(len, "abc"), 30) == 3 and not any(task.done() for task in tasks)
        happen(controller)
        assert {(await asyncio.wait_for(task, 30)).network for task in tasks} == {"n0"}
        for events in all_events:
            events.close()

    with netns.Controller() as controller:
        asyncio.run(main(controller))
        clear(controller)
    eventually(lambda: listeners() == 0)


def test_the_thread_ends_with_the_object(host: Host) -> None:
    async def once(events: netns.Events) -> str | None:
        return (await events.__anext__()).network

    with netns.Controller() as controller:
        events = controller.events()
        happen(controller)
        assert asyncio.run(once(events)) == "n0" and listeners() == 1
        del events
        gc.collect()
        eventually(lambda: listeners() == 0)
        clear(controller)


def test_tasks_threads_and_loops_share_a_listener(host: Host) -> None:
    taken: list[str | None] = []

    async def take(number: int) -> None:
        for _ in range(number):
            taken.append((await asyncio.wait_for(events.__anext__(), 60)).network)

    async def several() -> None:
        await asyncio.gather(*(take(4) for _ in range(5)))

    async def abandon() -> None:
        task = asyncio.ensure_future(events.__anext__())
        await asyncio.sleep(0)
        del task  # the loop is closed while it waits

    def take_on_a_thread() -> None:
        for _ in range(5):
            event = events.next(60)
            assert event is not None
            taken.append(event.network)

    with netns.Controller() as controller, controller.events() as events, ThreadPoolExecutor(4) as pool:
        asyncio.run(abandon())
        takers = [pool.submit(asyncio.run, several()) for _ in range(2)]
        takers += [pool.submit(take_on_a_thread) for _ in range(2)]
        for number in range(50):
            happen(controller, number)
            eventually(lambda: len(taken) == number + 1)
        for taker in takers:
            taker.result(60)
        assert taken == [f"n{number}" for number in range(50)] and events.next(0) is None
        clear(controller)


def test_closing_wakes_tasks_that_wait(host: Host) -> None:
    async def main(events: netns.Events) -> int:
        async def count() -> int:
            return len([event async for event in events])

        tasks = [asyncio.ensure_future(count()) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.to_thread(events.close)
        return sum(await asyncio.gather(*tasks))

    with netns.Controller() as controller:
        events = controller.events()
        assert asyncio.run(main(events)) == 0
        with pytest.raises(netns.ClosedError):
            events.next(0)


def test_what_nobody_takes_does_not_grow(host: Host) -> None:
    from netns import _events

    async def first(events: netns.Events) -> int:
        return (await events.__anext__()).time_ms

    with netns.Controller() as controller, controller.events() as events:
        happen(controller)
        asyncio.run(first(events))
        fetched = events._fetched
        assert fetched is not None
        for number in range(1, 3 * _events._AHEAD):
            happen(controller, number)
        eventually(lambda: len(fetched._texts) == _events._AHEAD)
        told = list(iter(lambda: events.next(0.2), None))
        assert _events._AHEAD <= len(told) <= sum(1 + each.missed for each in told) < 3 * _events._AHEAD
        assert [each.network for each in told] == sorted((str(each.network) for each in told), key=lambda name: int(name[1:]))
        clear(controller)


def test_a_forked_child_does_not_wait_for_a_thread_that_it_lacks(host: Host) -> None:
    async def first(events: netns.Events) -> str | None:
        return (await events.__anext__()).network

    with netns.Controller() as controller, controller.events() as events:
        happen(controller)
        assert asyncio.run(first(events)) == "n0"
        child = os.fork()
        if child == 0:
            try:
                events.next(0.01)
                events.close()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        clear(controller)
