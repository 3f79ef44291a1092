"""Each test has a host of its own: a forked process with network and mount namespaces in which ``/run``,
``/etc/libnetns`` and ``/sys/fs/bpf`` are empty and private. It must leave no links and no namespaces there."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netns

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SETTLE = 5.0
"""Seconds that the kernel may take to make the links of a destroyed namespace disappear."""

_libc = ctypes.CDLL(None, use_errno=True)


class Host:
    """A test's own host, looked at with iproute2."""

    def ip(self, *args: str) -> Any:
        return json.loads(_output("ip", "-j", "-d", *args) or "[]")

    def ip_in(self, sandbox: str, *args: str) -> Any:
        return json.loads(_output("ip", "-n", sandbox, "-j", "-d", *args) or "[]")

    def nft(self, *args: str) -> Any:
        return json.loads(_output("nft", "-j", *args))

    def links(self) -> list[str]:
        return sorted(link["ifname"] for link in self.ip("link"))

    def sandboxes(self) -> list[str]:
        return sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []

    def state(self) -> tuple[list[str], list[str]]:
        return self.links(), self.sandboxes()

    def returns_to(self, before: object) -> None:
        """Waits until links and namespaces are what they were."""
        deadline = time.monotonic() + SETTLE
        while (now := self.state()) != before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert now == before


def eventually(holds: Callable[[], bool]) -> None:
    """Waits until it holds, or fails."""
    deadline = time.monotonic() + SETTLE
    while not holds():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool:
    """Runs the test in its host; what it says of a failure comes back as text."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _in_child(pyfuncitem, writer)
    os.close(writer)
    with open(reader) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if text.startswith("skipped "):
        _not_run(pyfuncitem, text[8:])
        pytest.skip(text[8:])
    if text:
        pytest.fail(text, pytrace=False)
    assert status == 0, f"the test's process ended with status {status}"
    return True


def _in_child(item: pytest.Function, writer: int) -> None:
    status, text = 1, ""
    try:
        # A shell has it ignored where the tests run in its background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _enter_host()
        host = Host()
        before = host.state()
        arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
        item.obj(**arguments)
        host.returns_to(before)
        status = 0
    except pytest.skip.Exception as skipped:
        status, text = 0, f"skipped {skipped}"
    except BaseException as raised:
        try:
            text = str(item.repr_failure(pytest.ExceptionInfo.from_exception(raised)))
        except BaseException:
            text = traceback.format_exc()
    finally:
        with open(writer, "w") as answer:
            answer.write(text)
        os._exit(status)


def _enter_host() -> None:
    _call("unshare", _libc.unshare(CLONE_NEWNS | CLONE_NEWNET))
    _call("mount", _libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    _mount("tmpfs", "/run")
    _mount("bpf", "/sys/fs/bpf", or_else="tmpfs")
    _mount_etc()
    _output("ip", "link", "set", "lo", "up")


def _mount_etc() -> None:
    """An ``/etc`` of links to the machine's, with a ``libnetns`` of its own."""
    there = Path("/run/etc")
    there.mkdir()
    _call("mount", _libc.mount(b"/etc", b"/run/etc", None, 0x1000, None))
    names = [name for name in os.listdir("/etc") if name != "libnetns"]
    _mount("tmpfs", "/mnt")
    for name in names:
        os.symlink(f"/run/etc/{name}", f"/mnt/{name}")
    os.mkdir("/mnt/libnetns")
    _call("mount", _libc.mount(b"/mnt", b"/etc", None, 0x2000, None))


def _mount(kind: str, place: str, or_else: str | None = None) -> None:
    answer = _libc.mount(kind.encode(), place.encode(), kind.encode(), 0, None)
    if answer != 0 and or_else is not None:
        _mount(or_else, place)
        return
    _call(f"mount {place}", answer)


def _call(what: str, answer: int) -> None:
    if answer != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{what}: {os.strerror(errno)}: run as root, or by `make test-python`")


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def _not_run(item: pytest.Function, reason: str) -> None:
    if file := os.environ.get("NETNS_TEST_SKIPPED"):
        with open(file, "a") as skipped:
            skipped.write(f"python {item.name}: {reason}\n")


def needs_counters(controller: netns.Controller) -> netns.Meter:
    """The counters, or a skip where bpf is not permitted."""
    try:
        return controller.meter()
    except netns.Error as error:
        pytest.skip(f"no counters: {error}")
