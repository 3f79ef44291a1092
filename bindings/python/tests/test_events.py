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


def happen(controller: netns.Controller, number: int) -> list[str]:
    """Has networks come, and says in which order."""
    names = [f"n{each}" for each in range(number)]
    for name in names:
        controller.create_network(name, type="null", meter=False, firewall={"mode": "off"})
    return names


def clear(controller: netns.Controller) -> None:
    for network in controller.networks():
        controller.delete_network(network.name)


def listeners() -> int:
    return sum(thread.name == "netns-events" for thread in threading.enumerate())


def test_a_cancelled_task_takes_no_event_away(host: Host) -> None:
    async def main(controller: netns.Controller, events: netns.Events) -> list[str | None]:
        seen = []
        for _ in range(5):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(events.__anext__(), 0.02)
        made = happen(controller, 20)
        while len(seen) < len(made):
            task = asyncio.ensure_future(events.__anext__())
            await asyncio.sleep(0)
            if len(seen) % 2 == 0 and not task.done():
                task.cancel()
            try:
                seen.append((await task).network)
            except asyncio.CancelledError:
                seen.append((await asyncio.wait_for(events.__anext__(), 5)).network)
        assert seen == made
        return seen

    with netns.Controller() as controller, controller.events() as events:
        assert len(asyncio.run(main(controller, events))) == 20
        clear(controller)


def test_listeners_leave_the_executor_alone(host: Host) -> None:
    async def main(controller: netns.Controller) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        all_events = [controller.events() for _ in range(40)]
        tasks = [asyncio.ensure_future(events.__anext__()) for events in all_events]
        # Whoever waited in the executor would wait for the event, which comes only when this was done.
        assert await asyncio.wait_for(asyncio.to_thread(len, "abc"), 30) == 3 and not any(task.done() for task in tasks)
        happen(controller, 1)
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
        happen(controller, 1)
        assert asyncio.run(once(events)) == "n0" and listeners() == 1
        del events
        gc.collect()
        eventually(lambda: listeners() == 0)
        clear(controller)


def test_tasks_threads_and_loops_share_a_listener(host: Host) -> None:
    async def take(number: int) -> list[str | None]:
        return [(await asyncio.wait_for(events.__anext__(), 30)).network for _ in range(number)]

    async def several() -> list[list[str | None]]:
        return await asyncio.gather(*(take(4) for _ in range(5)))

    async def abandon() -> None:
        task = asyncio.ensure_future(events.__anext__())
        await asyncio.sleep(0)
        del task  # the loop is closed while it waits

    with netns.Controller() as controller, controller.events() as events, ThreadPoolExecutor(4) as pool:
        asyncio.run(abandon())
        loops = [pool.submit(asyncio.run, several()) for _ in range(2)]
        waiting = [pool.submit(lambda: [events.next(30) for _ in range(5)]) for _ in range(2)]
        made = happen(controller, 50)
        taken = [each for loop in loops for several_of in loop.result() for each in several_of]
        taken += [event.network for thread in waiting for event in thread.result() if event is not None]
        assert sorted(map(str, taken)) == sorted(made)
        assert events.next(0) is None
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


def test_events_that_nobody_takes_are_counted_in_the_end(host: Host) -> None:
    from netns import _events

    async def first(events: netns.Events) -> int:
        return (await events.__anext__()).time_ms

    with netns.Controller() as controller, controller.events() as events:
        happen(controller, 1)
        asyncio.run(first(events))
        for _ in range(_events._AHEAD):
            clear(controller)
            happen(controller, 1)
        fetched = events._fetched
        assert fetched is not None
        eventually(lambda: len(fetched._texts) == _events._AHEAD)
        assert all(events.next(5) is not None for _ in range(2 * _events._AHEAD))
        assert events.next(0.1) is None
        clear(controller)


def test_a_forked_child_does_not_wait_for_a_thread_that_it_lacks(host: Host) -> None:
    async def first(events: netns.Events) -> str | None:
        return (await events.__anext__()).network

    with netns.Controller() as controller, controller.events() as events:
        happen(controller, 1)
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
