"""What the Python package costs, beside the same in Rust and beside pyroute2, taken in turn.

It runs in a network namespace of its own, and writes ``python.json`` to a directory: scripts/bench-python.
usage: bench.py DIRECTORY WORKER [PAIRS]
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pyroute2

import netns

PAUSE = 0.004
"""Seconds before each sample, so that it does not pay for what the kernel put off of the other side's."""
WARM = 5
"""Pairs that are not counted."""
ROUND = 50
"""Pairs after which the bridge is empty again: a join takes longer the more ports there are."""
MOST = 60
"""Pairs with pyroute2, which takes descriptors and then waits by select(), and so can have no more than 1,024."""
INTERFACES = 1000
IMPORTS = 20
READS = 200
BOUNDS: dict[str, tuple[str, float]] = {
    "python_join_over_rust": ("at most", 1.05),
    "pyroute2_over_python": ("at least", 10.0),
    "stats_1000_us": ("at most", 100.0),
    "import_ms": ("at most", 50.0),
}


def main(directory: str, worker: str, pairs: int) -> None:
    figures: dict[str, Any] = {}
    figures.update(joins(worker, pairs))
    figures.update(against_pyroute2(pairs))
    figures.update(reads())
    figures["import_ms"] = median(imported() for _ in range(IMPORTS))
    for name, (holds, bound) in BOUNDS.items():
        value = figures[name]
        met = value is not None and (value <= bound if holds == "at most" else value >= bound)
        print(f"{name}: {value if value is None else round(value, 3)} ({holds} {bound}) {'' if met else 'MISSED'}".rstrip())
    machine = json.loads(subprocess.check_output([worker, "--machine"]))
    path = Path(directory, "python.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures | {"bounds": BOUNDS, "machine": machine}, indent=2) + "\n")
    print(f"written to {path}")


def timed(action: Callable[[], object]) -> float:
    """How many seconds it takes."""
    time.sleep(PAUSE)
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def in_turn(number: int, one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float]:
    """Both, each of them first every second time."""
    if number % 2:
        second = other()
        return one(), second
    return one(), other()


def joins(worker: str, pairs: int) -> dict[str, float]:
    """A controller's connect, with counters and firewall, from both languages into one network."""
    with netns.Controller(from_env=True) as controller:
        controller.create_network("bench")
        rust = subprocess.Popen([worker, "bench"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert rust.stdin is not None and rust.stdout is not None
        names: list[str] = []
        fresh = (str(number) for number in itertools.count())

        def by_python() -> float:
            names.append(f"p{next(fresh)}")
            sandbox = controller.create_sandbox(names[-1])
            return timed(lambda: controller.connect("bench", sandbox, names[-1]))

        def by_rust() -> float:
            names.append(f"r{next(fresh)}")
            print(names[-1], file=rust.stdin, flush=True)
            return int(rust.stdout.readline()) / 1e9  # type: ignore[union-attr]

        samples: list[tuple[float, float]] = []
        while len(samples) < pairs + WARM:
            samples += [in_turn(number, by_python, by_rust) for number in range(ROUND)]
            while names:
                controller.remove_sandbox(names.pop())
        rust.stdin.close()
        assert rust.wait() == 0
        controller.delete_network("bench")
    ours, theirs = (median(each) for each in zip(*samples[WARM:]))
    return {"python_join_over_rust": ours / theirs, "python_join_us": ours * 1e6, "rust_join_us": theirs * 1e6}


def against_pyroute2(pairs: int) -> dict[str, float]:
    """A veth on a bridge, with an address and a default route, into a namespace that is there. The peer is made in the
    host and moves in, as pyroute2's documentation has it; born inside, as this library's is, it is quicker."""
    network = netns.Network("peers", netns.NetworkOptions(bridge="br-peers", gateway="10.77.0.1/16"))  # type: ignore[arg-type]
    route = pyroute2.IPRoute()
    [bridge] = route.link_lookup(ifname="br-peers")
    sandboxes: list[netns.Sandbox] = []

    def sandbox() -> tuple[netns.Sandbox, str]:
        sandboxes.append(netns.Sandbox(f"s{len(sandboxes)}"))
        high, low = divmod(len(sandboxes) + 1, 256)
        return sandboxes[-1], f"10.77.{high}.{low}"

    def ours() -> float:
        made, address = sandbox()
        return timed(lambda: network.join(made, made.name, address=f"{address}/16"))

    def theirs(born: bool) -> float:
        made, address = sandbox()
        return timed(lambda: by_pyroute2(route, bridge, made, address, born))

    pairs = min(max(pairs // 2, 5), MOST)
    moved = [in_turn(number, ours, lambda: theirs(False)) for number in range(pairs + WARM)][WARM:]
    born = [in_turn(number, ours, lambda: theirs(True)) for number in range(pairs + WARM)][WARM:]
    route.close()
    for each in sandboxes:
        each.destroy()
    subprocess.run(["ip", "link", "delete", "br-peers"], check=True)
    (python, move), (again, inside) = ([median(each) for each in zip(*samples)] for samples in (moved, born))
    return {
        "pyroute2_over_python": move / python,
        "pyroute2_us": move * 1e6,
        "foundation_join_us": python * 1e6,
        "pyroute2_born_inside_over_python": inside / again,
    }


def by_pyroute2(route: Any, bridge: int, sandbox: netns.Sandbox, address: str, born: bool) -> None:
    """The same job."""
    host, path = f"v{sandbox.name}", str(sandbox.path)
    if born:
        route.link("add", ifname=host, kind="veth", peer={"ifname": "eth0", "net_ns_fd": path})
    else:
        route.link("add", ifname=host, kind="veth", peer={"ifname": f"p{host}"})
        [peer] = route.link_lookup(ifname=f"p{host}")
        route.link("set", index=peer, net_ns_fd=path)
    [index] = route.link_lookup(ifname=host)
    route.link("set", index=index, master=bridge, state="up")
    with pyroute2.NetNS(path, flags=0) as inside:
        if not born:
            [peer] = inside.link_lookup(ifname=f"p{host}")
            inside.link("set", index=peer, ifname="eth0")
        [peer] = inside.link_lookup(ifname="eth0")
        inside.addr("add", index=peer, address=address, prefixlen=16)
        inside.link("set", index=peer, state="up")
        inside.route("add", dst="default", gateway="10.77.0.1")


def reads() -> dict[str, float | None]:
    """The counters of a thousand interfaces in one array."""
    with netns.Controller(from_env=True) as controller:
        controller.create_network("many", firewall={"mode": "off"})
        try:
            meter = controller.meter()
        except netns.Error as error:
            print(f"stats: not measured: {error}")
            controller.delete_network("many")
            return {"stats_1000_us": None}
        names = [f"m{number}" for number in range(INTERFACES)]
        for name in names:
            controller.connect("many", controller.create_sandbox(name), name)
        assert len(meter.snapshot()) == INTERFACES * len(meter.COLUMNS)
        took = median(timed(meter.snapshot) for _ in range(READS))
        for name in names:
            controller.remove_sandbox(name)
        controller.delete_network("many")
    return {"stats_1000_us": took * 1e6}


def imported() -> float:
    """How many milliseconds an import takes, in a process of its own."""
    program = "import time; begin = time.perf_counter(); import netns; print(time.perf_counter() - begin)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=os.environ)
    return float(done.stdout) * 1e3


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 300)
