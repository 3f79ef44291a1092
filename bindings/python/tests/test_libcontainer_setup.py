"""The network of a container as a config has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import Host
from containers import VETH, Container, bridge, config, container, in_another_process, setup

import netns
from netns import libcontainer as lc
from netns.libcontainer import configs as c


def test_every_field_takes_effect(host: Host) -> None:
    everything = c.Network(
        type="veth",
        name="net0",
        bridge="br0",
        mac_address="02:42:0a:05:00:02",
        address="10.5.0.2/24",
        gateway="10.5.0.1",
        ipv6_address="fd05::2/64",
        ipv6_gateway="fd05::1",
        mtu=1400,
        txqueuelen=77,
        host_interface_name="web0",
        hairpin_mode=True,
    )
    said: list[tuple[str, str]] = []
    hooks = c.Hooks(
        prestart=(lambda state: said.append(("prestart", state.status)),),
        create_runtime=(lambda state: said.append(("createRuntime", state.status)),),
        create_container=(lambda state: said.append(("createContainer", state.status)),),
        poststart=(lambda state: said.append(("poststart", state.status)),),
        poststop=(lambda state: said.append(("poststop", state.status)),),
    )
    route = c.Route("10.7.0.0/16", gateway="10.5.0.1", interface_name="net0")
    wanted = setup(c.Network("loopback"), everything, hooks=hooks, routes=(route,))
    with bridge(), container() as web:
        state = c.State("web", pid=web.pid)
        made = wanted.up(state)
        assert web.links() == ["lo", "net0"] and set(web.addresses("net0")) >= {"10.5.0.2/24", "fd05::2/64"}
        [inside], [outside] = web.ip("link", "show", "net0"), host.ip("link", "show", "web0")
        assert inside["address"] == "02:42:0a:05:00:02" and "UP" in web.ip("link", "show", "lo")[0]["flags"]
        assert (inside["mtu"], inside["txqlen"]) == (1400, 77) == (outside["mtu"], outside["txqlen"])
        assert outside["master"] == "br0" and outside["linkinfo"]["info_slave_data"]["hairpin"]
        [shown] = web.ip("route", "show", "10.7.0.0/16")
        assert (shown["gateway"], shown["dev"]) == ("10.5.0.1", "net0")
        assert "0% packet loss" in web.run("ping", "-c1", "-W5", "10.5.0.1")
        assert [each.type for each in made.networks] == ["loopback", "veth"] and made.id == "web"
        link = made.networks[1].host_link
        assert link is not None and (link.name, link.index) == ("web0", outside["ifindex"])
        assert made.namespace is not None and made.namespace.inode == os.stat(web.path).st_ino
        wanted.poststart(state)
        wanted.down(state)
        wanted.tear_down()  # again is no error
        assert host.links() == ["br0", "lo"] and web.links() == ["lo"]
    names = ["prestart", "createRuntime", "poststart", "poststop"]
    assert said == list(zip(names, ["creating", "creating", "running", "stopped"]))


@pytest.mark.parametrize("by", ["state", "id", "find", "config"])
def test_another_process_takes_it_down(host: Host, by: str) -> None:
    with bridge(), container() as web:
        made = setup(VETH).up(c.State("web"), web.path)
        assert len(host.links()) == 3 and lc.SetupState.from_json(made.to_json()) == made
        foreign = json.loads(made.to_json())
        foreign["networks"][0]["host_link"]["index"] += 1
        lc.SetupState.from_json(json.dumps(foreign)).tear_down()
        assert len(host.links()) == 3  # it is not the one that was made
        [shown] = lc.SetupState.find("web").networks
        assert shown.host_link == made.networks[0].host_link and lc.SetupState.find("other").networks == ()
        asked = config(VETH).to_json()
        if by == "state":
            in_another_process("lc.SetupState.from_json(sys.argv[1]).tear_down()", made.to_json())
        elif by == "find":
            in_another_process("lc.SetupState.find('web').tear_down()")
        elif by == "id":
            web.end()
            in_another_process(
                "lc.NetworkSetup.from_config(lc.configs.Config.from_json(sys.argv[1])).with_id('web').tear_down()", asked
            )
        else:
            state = c.State("web", pid=web.pid).to_json()
            in_another_process(
                "setup = lc.NetworkSetup.from_config(lc.configs.Config.from_json(sys.argv[1])).with_id('web')\n"
                "setup.down(lc.configs.State.from_json(sys.argv[2]))",
                asked,
                state,
            )
        host.returns_to((["br0", "lo"], host.sandboxes()))


def test_a_running_container_keeps_its_network(host: Host) -> None:
    with bridge(), container() as web:
        made = setup(VETH).up(c.State("web"), web.pid)
        with pytest.raises(netns.BusyError):
            setup(VETH).tear_down()
        assert web.links() == ["eth0", "lo"]
        with container() as second, pytest.raises(netns.AlreadyExistsError):
            setup(VETH).up(c.State("web"), second.pid)
        assert web.links() == ["eth0", "lo"]
        made.tear_down()


def test_a_container_that_ends_takes_it_along(host: Host) -> None:
    with bridge():
        with container() as web:
            made = lc.NetworkSetup.from_config(config(VETH)).up(c.State("web"), web.pid)
            assert made.id is None and len(host.links()) == 3
        host.returns_to((["br0", "lo"], host.sandboxes()))
        made.tear_down()


def test_a_plan_changes_nothing(host: Host) -> None:
    with bridge(), container() as web:
        plan = setup(VETH).plan(web.path)
        assert len(plan) > 3 and "10.5.0.2/24" in str(plan) and netns.Plan(plan.to_json()) == plan
        assert host.links() == ["br0", "lo"] and web.links() == ["lo"]
        assert len(lc.NetworkSetup.from_config(c.Config()).plan()) == 0
        assert lc.NetworkSetup.from_config(c.Config()).up(c.State("web")) == lc.SetupState()


def test_the_config_may_say_which_namespace(host: Host) -> None:
    with bridge(), container() as web:
        there = c.Config(namespaces=c.Namespaces().with_namespace("NEWNET", web.path), networks=(VETH,))
        wanted = lc.NetworkSetup.from_config(there).with_id("web")
        wanted.up(c.State("web"))
        assert web.links() == ["eth0", "lo"]
        wanted.tear_down()  # as it is the namespace that is meant, a process may be there
        assert host.links() == ["br0", "lo"]


def test_routes_through_others_interfaces_go_by_the_state(host: Host) -> None:
    with bridge(), container() as web:
        web.run("ip", "link", "add", "own0", "type", "bridge")
        web.run("ip", "address", "add", "192.0.2.1/24", "dev", "own0")
        web.run("ip", "link", "set", "own0", "up")
        made = setup(routes=(c.Route("10.9.0.0/16", interface_name="own0"),)).up(c.State("web"), web.pid)
        assert len(made.routes) == 1 and len(web.ip("route", "show", "10.9.0.0/16")) == 1
        in_another_process("lc.SetupState.from_json(sys.argv[1]).tear_down()", made.to_json())
        assert web.ip("route", "show", "10.9.0.0/16") == []


def test_many_containers_at_once(host: Host) -> None:
    before = host.state()
    failures: list[BaseException] = []

    def work(number: int, web: Container) -> None:
        try:
            network = c.Network("veth", bridge="br0", address=f"10.5.0.{number + 10}/24", gateway="10.5.0.1")
            hooks = c.Hooks(prestart=(lambda state: seen.append(state.id),))
            wanted = lc.NetworkSetup.from_config(config(network, hooks=hooks)).with_id(f"web{number}")
            made = wanted.up(c.State(f"web{number}", pid=web.pid))
            assert web.addresses("eth0") == [f"10.5.0.{number + 10}/24"]
            made.tear_down()
        except BaseException as raised:
            failures.append(raised)

    seen: list[str] = []
    with bridge():
        webs = [Container() for _ in range(16)]
        threads = [threading.Thread(target=work, args=each) for each in enumerate(webs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for web in webs:
            web.end()
    assert failures == [] and sorted(seen) == sorted(f"web{number}" for number in range(16))
    host.returns_to(before)


def test_a_forked_child_sets_up_its_own(host: Host) -> None:
    with bridge(), container() as web:
        setup(VETH).up(c.State("web"), web.pid).tear_down()
        child = os.fork()
        if child == 0:
            try:
                setup(VETH).up(c.State("web"), web.pid)
                os._exit(7)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert web.links() == ["eth0", "lo"]
        lc.SetupState.find("web").tear_down()


def test_it_is_imported_when_it_is_used(host: Host) -> None:
    program = "import sys, netns; assert not any(name.startswith('netns.libcontainer') for name in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert Path(lc.__file__).is_relative_to(sys.prefix)
