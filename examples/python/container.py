"""A container's network from a config as runc has it: container.py [CONFIG].

The container is a process in a network namespace of its own. Its network is brought up whole, the hooks run, and
another process takes it down by what was written down.
"""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import netns
from netns.libcontainer import NetworkSetup
from netns.libcontainer.configs import Config, HookName, State

CONFIG = """{
    "namespaces": [{"type": "NEWNET"}],
    "networks": [
        {"type": "loopback"},
        {
            "type": "veth", "bridge": "oci0", "address": "10.30.0.2/24", "gateway": "10.30.0.1",
            "ipv6_address": "fd30::2/64", "ipv6_gateway": "fd30::1", "mtu": 1400
        }
    ],
    "routes": [{"destination": "10.31.0.0/16", "gateway": "10.30.0.1", "interface_name": "eth0"}],
    "hooks": {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "grep -q creating"], "timeout": 5000000000}]}
}"""
TAKE_DOWN = "import sys; from netns.libcontainer import SetupState; SetupState.from_json(sys.stdin.read()).tear_down()"


def main(config: Config) -> None:
    bridge = netns.NetworkOptions(bridge="oci0", gateway="10.30.0.1/24", gateway_ipv6="fd30::1/64")
    network = netns.Network("containers", bridge)
    container = netns.Namespace.create().popen(["sleep", "1000"])
    try:
        run(config, container.pid)
    finally:
        container.kill()
        container.wait()
        network.delete()


def run(config: Config, pid: int) -> None:
    """Brings the network up, looks at it, and has it taken down."""
    config = replace(config, hooks=config.hooks.with_hook(HookName.CREATE_RUNTIME, tell))
    setup = NetworkSetup.from_config(config).with_id("web")
    print(f"{len(setup.plan(pid))} steps are planned")
    state = State("web", pid=pid, bundle="/run/web")
    made = setup.up(state)
    inside = netns.Namespace(f"/proc/{pid}/ns/net")
    inside.run(["ip", "route"], check=True)
    inside.run(["ping", "-n", "-q", "-c1", "-W5", "10.30.0.1"], check=True)
    setup.poststart(state)
    subprocess.run([sys.executable, "-c", TAKE_DOWN], input=made.to_json(), text=True, check=True)
    left = inside.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout.split()[0]
    print(f"taken down: {left} is left")


def tell(state: State) -> None:
    """A hook that is a function."""
    print(f"{state.id} is {state.status}, process {state.pid}", flush=True)


if __name__ == "__main__":
    main(Config.from_json(Path(sys.argv[1]).read_text() if sys.argv[1:] else CONFIG))
