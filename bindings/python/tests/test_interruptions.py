"""Exceptions that come while the library works: in callbacks, in handlers of the log, in another interpreter."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
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


def test_each_error_has_a_cause_of_its_own(host: Host) -> None:
    raised = {"e": LookupError("stuck"), "f": LookupError("stuck")}

    class NoDevices(Wires):
        def join(self, *arguments: Any) -> None:
            pass

        def leave(self, network: str, endpoint: str) -> None:
            if endpoint in raised:
                raise raised[endpoint]

    with netns.Controller() as controller:
        controller.register_driver("none", NoDevices())
        controller.create_network("n", type="none")
        a = controller.create_sandbox("a")
        for name in raised:
            controller.connect("n", a, name)
        with pytest.raises(netns.SystemCallError) as caught:
            a.destroy()
        [other] = caught.value.rollback
        assert {id(caught.value.__cause__), id(other.__cause__)} == set(map(id, raised.values()))
        raised.clear()
        a.destroy()
        controller.delete_network("n")


def test_an_exception_that_the_library_passed_over_is_no_cause(host: Host) -> None:
    class Cluster(Wires):
        data_scope = netns.Scope.GLOBAL

        def network_allocate(self, *arguments: Any) -> Mapping[str, str]:
            raise NotImplementedError

    driver = Cluster()
    driver.raises = {"create_network": netns.NotImplementedError("it is said in words")}
    with netns.Controller() as controller:
        controller.register_driver("cluster", driver)
        with pytest.raises(netns.NotImplementedError) as caught:
            controller.create_network("n", type="cluster")
        assert caught.value.__cause__ is driver.raises["create_network"]


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
