"""Fixtures of pytest; installing the package brings them.

``netns_host`` has the test in a network namespace of its own, with a controller whose files are the test's. Whatever
the test made there goes at its end; a test that passed and left a sandbox or a network fails then, by name.

``netns_topology`` brings a :class:`netns.Topology` up in there: ``netns_topology(networks=..., hosts=...)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ._controller import Controller
from ._errors import Error
from ._sandbox import Namespace, Sandbox
from .topology import Lab, Topology

_PASSED = pytest.StashKey[bool]()


class NetnsHost:
    """A test's own host: the namespace that the test's thread is in."""

    def __init__(self, directory: Path, namespace: Namespace) -> None:
        self.directory = directory
        """Where all files are: the test's ``tmp_path``."""
        self.namespace = namespace
        """The host's."""
        self.controller = Controller(directory=directory, meter_dir=directory / "meter")
        """Its controller; interfaces are not metered, since counters are the machine's."""

    def sandbox(self, name: str) -> Sandbox:
        """Makes a sandbox of the controller."""
        return self.controller.create_sandbox(name)

    def _leftovers(self) -> Iterator[str]:
        """Removes what is left, and says what it was."""
        if self.controller.closed:
            self.controller = Controller(directory=self.directory)
        for sandbox in self.controller.sandboxes():
            yield f"sandbox {Path(sandbox.path).name}"
            self.controller.remove_sandbox(Path(sandbox.path).name)
        for network in self.controller.networks():
            yield f"network {network.name}"
            for endpoint in self.controller.endpoints():
                if endpoint.network == network.name:
                    self.controller.disconnect(network.name, endpoint.name)
            self.controller.delete_network(network.name)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Notes whether a test passed: one that failed need not have cleaned up."""
    outcome: Any = yield
    if call.when == "call":
        item.stash[_PASSED] = outcome.get_result().passed


@pytest.fixture
def netns_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NetnsHost]:
    """A host of the test's own. Needs ``CAP_SYS_ADMIN``; without it the test is skipped."""
    try:
        namespace = Namespace.create()
    except PermissionError as error:
        pytest.skip(f"netns_host: {error}")
    with namespace.enter():
        host = NetnsHost(tmp_path, namespace)
        try:
            yield host
        finally:
            try:
                left = list(host._leftovers())
            finally:
                with suppress(Error):
                    host.controller.close()
    if left and request.node.stash.get(_PASSED, False):
        pytest.fail(f"{request.node.nodeid} left {', '.join(left)}; it is gone now", pytrace=False)


@pytest.fixture
def netns_topology(netns_host: NetnsHost) -> Iterator[Callable[..., Lab]]:
    """Brings topologies up that go at the end of the test: call it with a :class:`netns.Topology`, or its arguments."""
    labs: list[Lab] = []

    def up(topology: Topology | None = None, **described: Any) -> Lab:
        topology = topology or Topology(**described)
        lab = topology.up(f"lab{len(labs)}", base=netns_host.directory / "labs")
        labs.append(lab)
        return lab

    yield up
    for lab in reversed(labs):
        lab.down()
