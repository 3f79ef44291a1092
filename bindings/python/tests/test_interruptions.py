"""Exceptions that come while the library works: in callbacks, in handlers of the log, in another interpreter."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Host
from test_driver import Wires

import netns


class Handler(logging.Handler):
    """Raises whatever the library logs."""

    def __init__(self, raised: BaseException) -> None:
        super().__init__()
        self.raised = raised
        self.count = 0

    def handle(self, record: logging.LogRecord) -> bool:
        self.count += 1
        raise self.raised


@contextmanager
def handler(raised: BaseException) -> Iterator[Handler]:
    made = Handler(raised)
    logging.getLogger("netns").addHandler(made)
    try:
        yield made
    finally:
        logging.getLogger("netns").removeHandler(made)


def spoil_the_store() -> None:
    """The next controller says in the log that it sets it aside."""
    Path("/run/libnetns").mkdir(exist_ok=True)
    Path("/run/libnetns/state.db").write_text("rubbish\n")


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interruption_of_the_log_goes_on(host: Host, raised: BaseException) -> None:
    spoil_the_store()
    with handler(raised) as told, pytest.raises(type(raised)) as caught:
        netns.Controller()
    assert caught.value is raised and told.count > 0
    netns.Controller().close()


def test_an_error_of_the_log_is_said_and_harms_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    spoil_the_store()
    raised = ValueError("a broken handler")
    with handler(raised), netns.Controller() as controller:
        assert controller.networks() == []
    assert raised in [each.exc_value for each in said]


@pytest.mark.parametrize("raised", [SystemExit("x" * 5000), KeyboardInterrupt("x" * 5000)])
def test_an_interruption_with_many_words_goes_on(host: Host, raised: BaseException) -> None:
    driver = Wires()
    driver.raises = {"create_network": raised}
    with netns.Controller() as controller:
        controller.register_driver("wires", driver)
        with pytest.raises(type(raised)) as caught:
            controller.create_network("n", type="wires")
        assert caught.value is raised and controller.networks() == []


def test_an_error_with_many_words_has_its_cause(host: Host) -> None:
    driver = Wires()
    driver.raises = {"create_network": ValueError("x" * 50_000)}
    with netns.Controller() as controller:
        controller.register_driver("wires", driver)
        with pytest.raises(netns.SystemCallError) as caught:
            controller.create_network("n", type="wires")
        assert caught.value.__cause__ is driver.raises["create_network"]


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3), ValueError()])
def test_an_interruption_of_a_call_that_tells_errors_goes_on(host: Host, raised: BaseException) -> None:
    with netns.Controller(lifetime="process") as controller:
        program = """
import os, sys, netns
sys.path.insert(0, %r)
from test_driver import Wires
controller = netns.Controller(lifetime="process")
controller.register_driver("wires", Wires())
controller.create_network("n", type="wires")
controller.connect("n", controller.create_sandbox("a"), "e")
os._exit(0)
""" % os.path.dirname(__file__)
        subprocess.run([sys.executable, "-c", program], check=True)
        driver = Wires()
        controller.register_driver("wires", driver)
        methods = ("leave", "delete_endpoint", "delete_network")
        driver.raises = {method: raised for method in methods}
        if isinstance(raised, Exception):
            assert any("ValueError" in str(finding.error) for finding in controller.collect())
        else:
            with pytest.raises(type(raised)) as caught:
                controller.collect()
            assert caught.value is raised
        assert set(methods) & set(driver.calls)
        driver.raises = {}
        controller.collect()
        controller.collect()
        for network in controller.networks():
            controller.delete_network(network.name)


def test_the_cause_is_the_exception_that_was_raised_and_not_one_that_reads_the_same(host: Host) -> None:
    first, second = ValueError(), ValueError("of the second")

    class Fails(netns.Ipam):
        def request_pool(self, request: netns.PoolRequest) -> netns.Pool:
            return netns.Pool("LocalDefault/10.99.0.0/16", netns.SubnetConfig("10.99.0.0/16").subnet)

        def request_address(self, pool: str, wanted: object, options: object) -> Any:
            raise second

        def release_pool(self, pool: str) -> None:
            raise first

        def release_address(self, pool: str, address: object) -> None:
            raise first

    with netns.Controller() as controller:
        controller.register_ipam("fails", Fails())
        with pytest.raises(netns.SystemCallError) as caught:
            controller.create_network("n", ipam="fails")
        assert caught.value.__cause__ is second
        assert [each.__cause__ for each in caught.value.rollback] in ([], [first])


def test_the_earlier_of_two_exceptions_is_no_cause(host: Host) -> None:
    class Twice(Wires):
        def create_network(self, *arguments: Any) -> None:
            with pytest.raises(netns.Error):
                controller.create_network("inner", type="fails")
            raise LookupError("ValueError")

    with netns.Controller() as controller:
        fails = Wires()
        fails.raises = {"create_network": ValueError()}
        controller.register_driver("fails", fails)
        controller.register_driver("twice", Twice())
        with pytest.raises(netns.Error) as caught:
            controller.create_network("n", type="twice")
        assert isinstance(caught.value.__cause__, LookupError)


def test_another_interpreter_is_refused() -> None:
    program = """
try:
    import _interpreters as interpreters
    create = lambda: interpreters.create("legacy")
except ImportError:
    import _xxsubinterpreters as interpreters
    create = lambda: interpreters.create(isolated=False)
import os, sys
first, second = sys.argv[1:]

CODE = '''
try:
    import netns
    try: netns.Sandbox("/")
    except netns.BadRequestError as error: answer = "works"
except ImportError as error:
    answer = f"refused: {error}"
import os
os.write(%d, answer.encode() + bytes([10]))
'''
reader, writer = os.pipe()
for which in (first, second, first):
    if which == "main":
        exec(CODE % writer)
    else:
        made = create()
        interpreters.run_string(made, CODE % writer)
        interpreters.destroy(made)
os.close(writer)
print(os.read(reader, 10000).decode(), flush=True)
os._exit(0)
"""
    answers = {}
    for order in (("main", "sub"), ("sub", "main"), ("sub", "sub")):
        done = subprocess.run([sys.executable, "-c", program, *order], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and done.stderr == "", (order, done)
        answers[order] = [line.partition(":")[0] for line in done.stdout.split("\n") if line]
    assert answers["main", "sub"] == ["works", "refused", "works"]
    assert answers["sub", "main"] == ["works", "refused", "refused"]
    assert answers["sub", "sub"] == ["works", "refused", "refused"]
