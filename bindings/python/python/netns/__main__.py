"""``python -m netns`` says which versions these are, and what this machine and process can do."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Callable, Iterator

from . import Controller, Error, FirewallMode, Namespace, __version__


def main() -> int:
    """Tries everything in a namespace of its own; returns 1 where something is missing."""
    print(f"netns {__version__}, Python {platform.python_version()}, Linux {platform.release()} {platform.machine()}")
    missing = 0
    for what, attempt in _attempts():
        try:
            attempt()
        except (Error, OSError) as error:
            missing += 1
            print(f"{what}: no: {error}")
        else:
            print(f"{what}: yes")
    return 1 if missing else 0


def _attempts() -> Iterator[tuple[str, Callable[[], object]]]:
    yield "namespaces", Namespace.create
    yield "networks", lambda: _network(FirewallMode.OFF)
    yield "firewall", lambda: _network(FirewallMode.REQUIRED)
    yield "counters", _bpf


def _network(mode: FirewallMode) -> None:
    """A sandbox in a network, with all files in a directory that goes again."""
    with (
        tempfile.TemporaryDirectory(prefix="netns-") as directory,
        Namespace.create().enter(),
        Controller(directory=directory, meter_dir=f"{directory}/meter") as controller,
    ):
        controller.create_network("try", ipv6=True, meter=False, firewall={"mode": mode})
        with controller.create_sandbox("try") as sandbox:
            controller.connect("try", sandbox, "try")
        controller.delete_network("try")


def _bpf() -> None:
    """That there is a bpf filesystem to have them on: they are made when an interface is metered."""
    with open("/proc/mounts") as mounts:
        if not any(line.split()[1:3] == ["/sys/fs/bpf", "bpf"] for line in mounts):
            raise OSError("/sys/fs/bpf is no bpf filesystem")


if __name__ == "__main__":
    sys.exit(main())
