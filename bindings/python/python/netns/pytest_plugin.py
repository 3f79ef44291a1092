"""Fixtures for pytest: a host of a test's own, labs of several hosts, and who left what behind.

They are there wherever the package is installed. ``--netns-leaks=error``, or ``netns_leaks = error`` in the
configuration, makes an error of what a test that uses them left behind; by default it is in the summary.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ._controller import Controller
from ._namespace import Namespace
from ._sandbox import Sandbox
from ._workplace import (
    PREFIX,
    Workplace,
    end_processes,
    mounts,
    name_of,
    namespaces_in_use,
    namespaces_of,
)
from .topology import Topology

__all__ = ["TestHost", "netns_host", "netns_topology"]

_PROPERTY = "netns_leaks"
_SETTLE = 2.0
"""Seconds that the kernel may take to make the links of a destroyed namespace disappear."""
_VARIABLES = {
    "NETNS_NETWORKS_DIR": "networks",
    "NETNS_RUN_DIR": "run",
    "NETNS_SANDBOX_DIR": "sandboxes",
    "NETNS_METER_DIR": "bpf/libnetns",
}


class TestHost:
    """What :func:`netns_host` gives: a network namespace with ``lo`` up, which the test's thread is in, and directories
    of its own."""

    __test__ = False

    def __init__(self, workplace: Workplace, closing: ExitStack) -> None:
        self._workplace = workplace
        self._closing = closing
        self.inside = Sandbox("host", base=workplace.path)
        """The host itself, for what is to run there from other threads."""
        self.namespace = self.inside.namespace()
        """Its namespace, which stays when a test destroys it."""

    @property
    def path(self) -> Path:
        """Its directory, in which nothing stays."""
        return self._workplace.path

    def controller(self, **options: Any) -> Controller:
        """A controller of this host, which is closed at the end of the test. Those of one test share their
        directories; options are as of :class:`netns.Controller`."""
        given = {"directory": self.path, "meter_dir": self.path / _VARIABLES["NETNS_METER_DIR"], **options}
        return self._closing.enter_context(Controller(**given))

    def sandbox(self, name: str) -> Sandbox:
        """A sandbox of this host; a test that does not destroy it is reported.

        :raises AlreadyExistsError: there is one by that name.
        """
        return Sandbox(name, base=self._workplace.sandboxes)

    def links(self) -> list[str]:
        """The names of its links, without ``lo``."""
        return self.namespace.call(_links)


def pytest_addoption(parser: pytest.Parser) -> None:
    help = "what becomes of links, namespaces, mounts and processes that a test left behind: report or error"
    parser.getgroup("netns").addoption("--netns-leaks", choices=("report", "error"), help=help)
    parser.addini("netns_leaks", help, default="report")


@pytest.fixture
def _netns_leaks(request: pytest.FixtureRequest) -> Generator[list[str], None, None]:
    """What the test left; the other fixtures add to it what they clean away."""
    found: list[str] = []
    links, mounted = set(_links()), set(mounts())
    yield found
    found += [f"link {each} of the machine" for each in sorted(_settled(_links, links))]
    found += [f"mount {each}" for each in mounts() if each not in mounted and not _of_others(each)]
    if not found:
        return
    request.node.user_properties.append((_PROPERTY, found))
    chosen = request.config.getoption("netns_leaks") or request.config.getini("netns_leaks")
    if chosen == "error":
        pytest.fail(f"left behind: {', '.join(found)}", pytrace=False)


@pytest.fixture
def netns_host(_netns_leaks: list[str], monkeypatch: pytest.MonkeyPatch) -> Generator[TestHost, None, None]:
    """A fresh host for the test, a :class:`TestHost`; nothing of it stays.

    The test's thread is in its network namespace. ``NETNS_RUN_DIR`` and its like name its directories, for
    ``Controller(from_env=True)`` and for programs.
    """
    before, workplace = namespaces_in_use(), Workplace()
    try:
        workplace.mount_bpf()
        for variable, place in _VARIABLES.items():
            monkeypatch.setenv(variable, str(workplace.path / place))
        with ExitStack() as closing:
            host = TestHost(workplace, closing)
            with host.inside.enter():
                yield host
        _netns_leaks += _cleaned(host, workplace, before)
    finally:
        workplace.remove()


@pytest.fixture
def netns_topology(_netns_leaks: list[str]) -> Generator[Callable[..., Topology], None, None]:
    """A function that brings a :class:`netns.Topology` up; all of them go at the end of the test."""
    with ExitStack() as closing:
        labs: list[Topology] = []

        def bring_up(**description: Any) -> Topology:
            lab = closing.enter_context(Topology(**description))
            labs.append(lab)
            return lab

        yield bring_up
        for lab in labs:
            _netns_leaks += _ended(lab.namespaces())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left = [
        f"{report.nodeid}: {', '.join(value)}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "teardown"
        for name, value in report.user_properties
        if name == _PROPERTY and isinstance(value, list)
    ]
    if not left:
        return
    terminalreporter.section("left behind (netns)")
    for line in left:
        terminalreporter.write_line(line)


def _cleaned(host: TestHost, workplace: Workplace, before: set[str]) -> list[str]:
    """What the test left in its host, which goes now. Processes end in namespaces that the test brought: others it may
    have mounted, the machine's among them."""
    own = {str(host.inside.path), str(workplace.path / "bpf")}
    left = [Path(each) for each in mounts() if each not in own and each.startswith(f"{workplace.path}/")]
    namespaces = [each for each in map(_namespace, left) if each is not None]
    spared = before | namespaces_of([1, os.getppid(), os.getpid()])
    found = _ended([host.namespace, *(each for each in namespaces if name_of(each) not in spared)])
    found += [f"{'namespace' if _namespace(each) else 'mount'} {each.relative_to(workplace.path)}" for each in left]
    found += [f"link {each}" for each in sorted(_settled(host.links, set()))]
    host.inside.destroy()
    return found


def _namespace(place: Path) -> Namespace | None:
    try:
        return Namespace(place)
    except OSError:
        return None


def _ended(namespaces: list[Namespace]) -> list[str]:
    return [f"process {pid}" for pid in end_processes(namespaces)]


def _settled(look: Callable[[], list[str]], before: set[str]) -> set[str]:
    """The links that are new and stay."""
    deadline = time.monotonic() + _SETTLE
    while (new := set(look()) - before) and time.monotonic() < deadline:
        time.sleep(0.005)
    return new


def _links() -> list[str]:
    """Of the calling thread's namespace, without ``lo``."""
    lines = Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
    names = [line.partition(":")[0].strip() for line in lines]
    return [name for name in names if name != "lo"]


def _of_others(place: str) -> bool:
    """Whether another process's lab has it."""
    return f"/{PREFIX}" in place and f"/{PREFIX}{os.getpid()}-" not in place
