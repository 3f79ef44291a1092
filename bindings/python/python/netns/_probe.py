"""What this kernel and this user are capable of, tried in a lab of its own."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ._configs import FirewallConfig
from ._controller import Controller
from ._interfaces import NetworkOptions
from ._meter import Meter
from ._namespace import Namespace
from ._netns import __version__
from ._network import Network
from ._sandbox import Sandbox
from ._words import FirewallMode
from ._workplace import Workplace, mounts

_BRIDGE = "br-probe"


@dataclass(frozen=True)
class Capability:
    """One thing that was tried."""

    name: str
    what_for: str
    required: bool
    """Nothing works without it."""
    ok: bool | None
    """None when it could not be tried, since what it takes is missing."""
    reason: str = ""
    """Why it is missing."""
    remedy: str = ""
    """How to get it."""


@dataclass(frozen=True)
class Report:
    """All of it."""

    version: str
    python: str
    kernel: str
    user: int
    """The effective user number."""
    capabilities: tuple[Capability, ...]

    @property
    def usable(self) -> bool:
        """Whether everything that is required is there."""
        return all(each.ok for each in self.capabilities if each.required)


@dataclass(frozen=True)
class _Check:
    name: str
    what_for: str
    attempt: Callable[[_Lab], None]
    remedy: str
    needs: str | None = None
    required: bool = False


class _Lab:
    """What the attempts share."""

    def __init__(self, closing: ExitStack) -> None:
        self.closing = closing
        self.workplace = Workplace()
        closing.callback(self.workplace.remove)

    def namespaces(self) -> None:
        host = Namespace.create()
        self.closing.enter_context(host.enter())
        self.sandbox = self.closing.enter_context(Sandbox("probe", base=self.workplace.sandboxes))

    def bridge(self) -> None:
        self.network = Network("probe", NetworkOptions(bridge=_BRIDGE))

    def veth(self) -> None:
        self.network.join(self.sandbox, "probe", address="192.0.2.2/24")

    def ipv6(self) -> None:
        if not Path("/proc/sys/net/ipv6").is_dir():
            raise OSError("this kernel has no IPv6, or it is switched off (ipv6.disable=1)")
        self.network.join(self.sandbox, "probe6", address_ipv6="2001:db8::2/64")

    def settings(self) -> None:
        with self.sandbox.enter():
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")

    def store(self) -> None:
        self.controller = self.closing.enter_context(Controller(directory=self.workplace.path / "store"))

    def firewall(self) -> None:
        required = FirewallConfig(mode=FirewallMode.REQUIRED)
        self.controller.create_network("nat", firewall=required, meter=False)
        self.controller.delete_network("nat")

    def counters(self) -> None:
        place = self.workplace.mount_bpf()
        if place is None:
            raise OSError("no bpf filesystem can be mounted")
        meter = Meter(place / "libnetns", slots=16)
        meter.attach(_BRIDGE)
        meter.detach(_BRIDGE)


def _bpf_filesystem(_: _Lab) -> None:
    if "/sys/fs/bpf" not in mounts():
        raise OSError("no bpf filesystem is at /sys/fs/bpf")


def _directories(_: _Lab) -> None:
    for place in map(Path, ("/run/libnetns", "/run/netns", "/etc/libnetns/networks")):
        there = next(each for each in (place, *place.parents) if each.exists())
        if not os.access(there, os.W_OK):
            raise OSError(f"{there} cannot be written")


def _module(*names: str) -> str:
    return f"modprobe {' '.join(names)}, or another kernel"


_RIGHTS = "run as root, in a container with CAP_SYS_ADMIN and CAP_NET_ADMIN, or in a namespace: unshare -Urnm COMMAND"
_CHECKS = (
    _Check("namespaces", "sandboxes", _Lab.namespaces, _RIGHTS, required=True),
    _Check("bridge", "bridge networks", _Lab.bridge, _module("bridge"), "namespaces", required=True),
    _Check("veth", "interfaces", _Lab.veth, _module("veth"), "bridge", required=True),
    _Check("store", "controllers", _Lab.store, "a file system that can be written", "namespaces", required=True),
    _Check("IPv6", "IPv6 addresses", _Lab.ipv6, "boot without ipv6.disable=1", "veth"),
    _Check("/proc/sys", "forwarding and settings of interfaces", _Lab.settings, "mount -o remount,rw /proc/sys", "namespaces"),
    _Check("nf_tables with NAT", "firewall and published ports", _Lab.firewall, _module("nf_tables", "nft_chain_nat", "nft_masq"), "store"),
    _Check("bpf and clsact", "counters", _Lab.counters, "CAP_BPF, and a kernel with CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS", "bridge"),
    _Check("/sys/fs/bpf", "counters in their usual place", _bpf_filesystem, "mount -t bpf bpf /sys/fs/bpf"),
    _Check("directories", "networks and sandboxes in their usual places", _directories, "run as root, or give netns.Controller a directory"),
)


def probe() -> Report:
    """Tries everything. It changes nothing on the machine, and leaves nothing."""
    outcomes: dict[str, Capability] = {}
    with ExitStack() as closing:
        lab = _Lab(closing)
        for check in _CHECKS:
            outcomes[check.name] = _tried(check, lab, outcomes)
    kernel = platform.release()
    return Report(__version__, platform.python_version(), kernel, os.geteuid(), tuple(outcomes.values()))


def _tried(check: _Check, lab: _Lab, before: dict[str, Capability]) -> Capability:
    if check.needs is not None and not before[check.needs].ok:
        reason = f"not tried without {check.needs}"
        return Capability(check.name, check.what_for, check.required, None, reason)
    try:
        check.attempt(lab)
    except OSError as error:
        return Capability(check.name, check.what_for, check.required, False, str(error), check.remedy)
    return Capability(check.name, check.what_for, check.required, True)
