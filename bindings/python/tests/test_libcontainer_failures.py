"""Hooks, strategies and configs that fail leave nothing of a container's network."""

from __future__ import annotations

import errno
import os
import signal
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Host
from containers import VETH, bridge, config, container, in_another_process, ip, setup

import netns
from netns import libcontainer as lc
from netns.libcontainer import configs as c


def raises(error: BaseException) -> Callable[[c.State], object]:
    def hook(state: c.State) -> None:
        assert os.path.isdir("/sys") and state.id == "web"
        raise error

    return hook


def shell(script: str, timeout: float | None = None) -> c.CommandHook:
    return c.CommandHook(c.Command("/bin/sh", ("sh", "-c", script), timeout=timeout))


@pytest.mark.parametrize("name", ["prestart", "createRuntime"])
@pytest.mark.parametrize(
    ("hook", "expected", "words"),
    [
        (raises(LookupError("no such colour")), netns.SystemCallError, "no such colour"),
        (raises(netns.ForbiddenError("not today")), netns.ForbiddenError, "not today"),
        (raises(KeyboardInterrupt()), KeyboardInterrupt, ""),
        (raises(SystemExit(3)), SystemExit, "3"),
        (shell("echo oh dear; exit 3"), netns.SystemCallError, "oh dear"),
        (shell("sleep 1000", 0.05), netns.SystemCallError, "killed after its timeout"),
        (c.CommandHook(c.Command("/run/nothing")), netns.NotFoundError, "/run/nothing"),
    ],
)
def test_a_hook_that_fails_leaves_nothing(
    host: Host, name: str, hook: c.Hook, expected: type[BaseException], words: str
) -> None:
    seen: list[list[str]] = []
    with bridge(), container() as web:
        hooks = c.Hooks(prestart=(lambda state: seen.append(web.links()),)).with_hook(name, hook)
        with pytest.raises(expected, match=words) as raised:
            setup(VETH, hooks=hooks).up(c.State("web", pid=web.pid))
        assert seen == [["eth0", "lo"]]  # all was there when the hooks ran
        assert host.links() == ["br0", "lo"] and web.links() == ["lo"]
        if isinstance(raised.value, netns.Error) and raised.value.__cause__ is not None:
            assert "in hook" in "".join(traceback.format_exception(raised.value))
        setup(VETH).up(c.State("web", pid=web.pid)).tear_down()


def test_a_hook_that_runs_past_its_timeout_says_so(host: Host) -> None:
    with bridge(), container() as web, pytest.raises(netns.SystemCallError) as raised:
        setup(VETH, hooks=c.Hooks(prestart=(shell("sleep 1000", 0.05),))).up(c.State("web", pid=web.pid))
    assert raised.value.errno == errno.ETIME


def test_hooks_after_the_turn_all_run(host: Host) -> None:
    said: list[str] = []
    hooks = c.Hooks(
        poststart=(raises(LookupError("first")), lambda state: said.append("poststart")),
        poststop=(raises(LookupError("second")), lambda state: said.append("poststop")),
    )
    with bridge(), container() as web:
        wanted, state = setup(VETH, hooks=hooks), c.State("web", pid=web.pid)
        made = wanted.up(state)
        with pytest.raises(netns.SystemCallError, match="first"):
            wanted.poststart(state)
        with pytest.raises(netns.SystemCallError, match="second") as raised:
            wanted.down(state)
        assert isinstance(raised.value.__cause__, LookupError)
        assert said == ["poststart", "poststop"] and host.links() == ["br0", "lo"]
        with pytest.raises(netns.SystemCallError, match="second"):
            made.down(state, hooks)
        assert said == ["poststart", "poststop", "poststop"]


def test_ctrl_c_while_a_hook_runs_leaves_nothing(host: Host) -> None:
    def interrupted(state: c.State) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(100)

    with bridge(), container() as web:
        with pytest.raises(KeyboardInterrupt):
            setup(VETH, hooks=c.Hooks(create_runtime=(interrupted,))).up(c.State("web", pid=web.pid))
        assert host.links() == ["br0", "lo"] and web.links() == ["lo"]


class Dummy(lc.NetworkStrategy):
    """A device without another end, or an exception."""

    def __init__(self, raised: BaseException | None = None) -> None:
        self.raised = raised
        self.told: list[lc.Network] = []

    def create(self, network: lc.Network, pid: int, state: lc.NetworkState) -> lc.NetworkState:
        self.told.append(network)
        if self.raised is not None:
            raise self.raised
        ip("link", "add", "dummy0", "type", "bridge")
        return lc.NetworkState(veth_host="dummy0")

    def initialize(self, network: lc.Network, state: lc.NetworkState) -> None:
        """There is nothing inside."""


def test_a_strategy_in_python_is_part_of_a_config(host: Host) -> None:
    dummy = Dummy()
    lc.register_strategy("dummy", dummy)
    with bridge(), container() as web:
        wanted = setup(VETH, c.Network("dummy", ipv6_address="fd05::2/64", mtu=1300))
        with pytest.raises(netns.NotImplementedError):
            wanted.plan(web.pid)
        made = wanted.up(c.State("web"), web.pid)
        assert dummy.told == [lc.Network("dummy", veth_prefix="veth", address="fd05::2/64", mtu=1300)]
        link = made.networks[1].host_link
        assert link is not None and link.name == "dummy0" and link.alias is None
        in_another_process("lc.SetupState.from_json(sys.argv[1]).tear_down()", made.to_json())
        assert host.links() == ["br0", "lo"]
        failing = raises(LookupError("after all"))
        with pytest.raises(netns.SystemCallError, match="after all"):
            setup(VETH, c.Network("dummy"), hooks=c.Hooks(prestart=(failing,))).up(c.State("web"), web.pid)
        assert host.links() == ["br0", "lo"] and web.links() == ["lo"]


def test_a_strategy_that_raises_takes_the_others_back(host: Host) -> None:
    raised = LookupError("no such dummy")
    lc.register_strategy("dummy", Dummy(raised))
    with bridge(), container() as web:
        with pytest.raises(netns.SystemCallError, match="no such dummy") as caught:
            setup(VETH, c.Network("dummy")).up(c.State("web"), web.pid)
        assert caught.value.__cause__ is raised
        assert host.links() == ["br0", "lo"] and web.links() == ["lo"]


def test_what_cannot_be_leaves_nothing(host: Host) -> None:
    with bridge(), container() as web:
        web.run("ip", "link", "add", "taken", "type", "bridge")
        before = host.links(), web.links()
        taken = c.Network("veth", name="taken", bridge="br0")
        astray = c.Route("10.9.0.0/16", interface_name="eth7")
        cases: list[tuple[type[netns.Error], Callable[[], object]]] = [
            (netns.NotFoundError, lambda: setup(c.Network("pigeon"))),
            (netns.BadRequestError, lambda: setup(c.Network("veth"))),
            (netns.BadRequestError, lambda: setup(VETH, VETH)),
            (netns.BadRequestError, lambda: lc.NetworkSetup.from_config(c.Config(networks=(VETH,)))),
            (netns.BadRequestError, lambda: setup(VETH).up(c.State("web"))),
            (netns.BadRequestError, lambda: setup(VETH).up(c.State("web"), os.getpid())),
            (netns.NotFoundError, lambda: setup(VETH).up(c.State("web"), 2**31 - 1)),
            (netns.NotFoundError, lambda: setup(VETH).up(c.State("web"), "/run/nothing")),
            (netns.NotFoundError, lambda: setup(c.Network("veth", bridge="br7")).up(c.State("web"), web.pid)),
            (netns.AlreadyExistsError, lambda: setup(VETH, taken).up(c.State("web"), web.pid)),
            (netns.NotFoundError, lambda: setup(VETH, routes=(astray,)).up(c.State("web"), web.pid)),
            (netns.BadRequestError, lambda: lc.NetworkSetup.from_config(config(VETH)).tear_down()),
        ]
        for kind, ask in cases:
            with pytest.raises(kind):
                ask()
        for id in ("", "a b", "a/b", "a" * 129, "a\0", "é", "\ud800", "x network=0 namespace=1:2"):
            with pytest.raises(ValueError):
                setup(VETH).with_id(id)
            with pytest.raises(ValueError):
                lc.SetupState.find(id)
        assert (host.links(), web.links()) == before


def test_a_wrong_type_is_a_type_error(host: Host) -> None:
    wanted: Any = setup(VETH)
    wrong: list[Callable[[], object]] = [
        lambda: lc.NetworkSetup(),
        lambda: lc.NetworkSetup.from_config({"networks": []}),  # type: ignore[arg-type]
        lambda: wanted.up("web"),
        lambda: wanted.up(c.State("web"), True),
        lambda: wanted.up(c.State("web"), 1.0),
        lambda: wanted.with_id(7),
        lambda: wanted.down({"id": "web"}),
        lambda: lc.SetupState().down(c.State("web"), ()),  # type: ignore[arg-type]
        lambda: lc.SetupState.find(None),  # type: ignore[arg-type]
    ]
    for ask in wrong:
        with pytest.raises(TypeError):
            ask()
