"""Threads and processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Host, eventually

import netns


def test_other_threads_run_while_a_call_waits(host: Host) -> None:
    with netns.Controller() as controller, controller.events() as events:
        waiting = threading.Thread(target=events.next, args=(None,))
        waiting.start()
        controller.create_network("n")  # it would hang here
        waiting.join(30)
        assert not waiting.is_alive()
        controller.delete_network("n")


def test_many_threads_use_one_controller(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")

        def live(number: int) -> str:
            with controller.create_sandbox(f"s{number}") as sandbox:
                endpoint = controller.connect("n", sandbox, f"e{number}")
                [interface] = sandbox.interfaces()
                assert interface.address == endpoint.address
                controller.stats(netns.Detail.FAST)
                return str(endpoint.address)

        with ThreadPoolExecutor(16) as pool:
            addresses = list(pool.map(live, range(100)))
        assert len(addresses) == 100 and controller.endpoints() == []
        controller.delete_network("n")


def test_a_thousand_threads_at_once(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        begin = threading.Barrier(1000)
        failures: list[BaseException] = []

        def look() -> None:
            try:
                begin.wait(120)
                assert controller.inspect_network("n").name == "n"
            except BaseException as raised:
                failures.append(raised)

        threads = [threading.Thread(target=look) for _ in range(1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        controller.delete_network("n")


def test_a_controller_is_closed_while_others_use_it(host: Host) -> None:
    controller = netns.Controller()
    controller.create_network("n")
    answers: list[str] = []

    def use() -> None:
        while True:
            try:
                controller.inspect_network("n")
            except netns.ClosedError:
                answers.append("closed")
                return

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    controller.close()
    for thread in threads:
        thread.join(30)
    assert answers == ["closed"] * 8
    with netns.Controller() as again:
        again.delete_network("n")


def test_a_lazy_endpoint_is_read_by_many_threads(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        for number in range(20):
            endpoint = controller.create_endpoint("n", f"e{number}")
            with ThreadPoolExecutor(8) as pool:
                names = list(pool.map(lambda _: endpoint.name, range(8)))
            assert names == [f"e{number}"] * 8
            with pytest.raises(AttributeError):
                endpoint.no_such_field  # noqa: B018
            controller.delete_endpoint("n", endpoint.name)
        controller.delete_network("n")


def test_a_forked_child_opens_a_controller_of_its_own(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        a = controller.create_sandbox("a")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with pytest.raises(netns.Error, match="open the controller in the child"):
                    controller.connect("n", a, "e")
                with netns.Controller() as own:
                    own.connect("n", a, "e")
            except BaseException as raised:
                os.write(writer, repr(raised).encode())
            os._exit(0)
        os.close(writer)
        with open(reader) as answer:
            assert answer.read() == ""
        os.waitpid(child, 0)
        assert [each.name for each in controller.endpoints()] == ["e"]
        a.destroy()
        controller.delete_network("n")


def test_a_forked_child_lets_go_of_a_watch(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        watches = [controller.watch_firewall() for _ in range(2)]
        stop = threading.Event()

        def look() -> None:
            while not stop.is_set():
                controller.inspect_network("n")

        threads = [threading.Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        child = os.fork()
        if child == 0:
            watches[0].close()
            watches.clear()
            gc.collect()
            os._exit(7)
        deadline = time.monotonic() + 30
        while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        if done[0] == 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        stop.set()
        for thread in threads:
            thread.join()
        assert os.waitstatus_to_exitcode(done[1]) == 7 and done[0] == child
        subprocess.run(["nft", "flush", "ruleset"], check=True)
        eventually(lambda: "libnetns" in str(host.nft("list", "tables")))
        for watch in watches:
            watch.close()
        controller.delete_network("n")


def _of_a_worker(number: int) -> str:
    with netns.Controller() as controller, controller.create_sandbox(f"s{number}") as sandbox:
        return str(controller.connect("n", sandbox, f"e{number}").address)


def test_processes_of_multiprocessing_share_a_network(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        with multiprocessing.get_context("fork").Pool(4) as pool:
            assert len(pool.map(_of_a_worker, range(16))) == 16
        assert controller.endpoints() == []
        controller.delete_network("n")


def test_descriptors_do_not_leak(host: Host) -> None:
    def once() -> None:
        with netns.Controller() as controller, controller.events():
            controller.create_network("n")
            with controller.create_sandbox("a") as a:
                controller.connect("n", a, "e")
                a.call(len, "x")
                with a.enter():
                    pass
            controller.delete_network("n")

    once()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        once()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_process_ends_with_everything_left_open(host: Host) -> None:
    program = """
import netns, threading
controller = netns.Controller()
controller.create_network("n")
watch, events = controller.watch_firewall(), controller.events()
threading.Thread(target=events.next, daemon=True).start()
sandbox = controller.create_sandbox("a")
controller.connect("n", sandbox, "e")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with netns.Controller() as controller:
        controller.open_sandbox("a").destroy()
        controller.delete_network("n")


def test_a_watch_is_dropped_while_it_logs(host: Host) -> None:
    with netns.Controller() as controller:
        controller.create_network("n")
        for _ in range(5):
            watch = controller.watch_firewall()
            subprocess.run(["nft", "flush", "ruleset"], check=True)
            del watch
        controller.delete_network("n")
