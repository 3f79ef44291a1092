"""Hooks that run."""

from __future__ import annotations

import errno
import gc
import json
import signal
import subprocess
import sys
import threading
import time
import weakref
from typing import Any

import pytest
from conftest import Host

import netns
from netns import libcontainer as lc
from netns.libcontainer import configs as c


def test_a_program_gets_the_state(host: Host) -> None:
    script = "cat >/run/state; env >/run/env; pwd >/run/dir; echo $0 $1 >/run/args"
    command = c.Command("/bin/sh", ("sh", "-c", script, "zero", "one"), ("A=1",), "/run", 30)
    state = c.State("web", pid=7)
    command.run(state)
    assert open("/run/state").read() == state.to_json()
    assert "A=1\n" in open("/run/env").read() and open("/run/dir").read() == "/run\n"
    assert open("/run/args").read() == "zero one\n"


def test_a_program_that_fails_is_an_error(host: Host) -> None:
    def shell(script: str, timeout: float | None = 30) -> c.Command:
        return c.Command("/bin/sh", ("sh", "-c", script), timeout=timeout)

    state = c.State("web")
    with pytest.raises(netns.SystemCallError, match="exited with status 3.*oh dear"):
        shell("echo oh dear >&2; exit 3").run(state)
    with pytest.raises(netns.SystemCallError, match="bytes … ") as raised:
        shell("head -c 1000000 /dev/zero | tr '\\0' x; exit 1").run(state)
    assert len(str(raised.value)) < 10_000
    began = time.monotonic()
    with pytest.raises(netns.SystemCallError, match="killed after its timeout of 100ms") as raised:
        shell("sleep 1000 & sleep 1000", 0.1).run(state)
    assert raised.value.errno == errno.ETIME and time.monotonic() - began < 100
    with pytest.raises(netns.NotFoundError):
        c.Command("/run/nothing").run(state)
    with pytest.raises(netns.PermissionDeniedError):
        c.Command("/run").run(state)
    for timeout in (-1.0, float("nan"), float("inf")):
        with pytest.raises(netns.BadRequestError):
            c.Command("/x", timeout=timeout)
    with pytest.raises(TypeError):
        shell("true").run("web")  # type: ignore[arg-type]


def test_hooks_run_in_order(host: Host) -> None:
    said: list[Any] = []

    class Says:
        def __call__(self, state: c.State) -> None:
            said.append((state.id, state.status))

    def write(state: c.State) -> None:
        said.append(open("/run/x").read())

    touch = c.Command("/bin/sh", ("sh", "-c", "echo was here >/run/x"))
    hooks = c.Hooks(prestart=(Says(), c.CommandHook(touch), write)).with_hook("poststop", Says())
    hooks.run("prestart", c.State("web", "created"))
    assert said == [("web", "created"), "was here\n"]
    hooks.run(c.HookName.CREATE_RUNTIME, c.State("web"))
    assert len(said) == 2 and hooks.get("poststop") == hooks.poststop
    for call in (lambda: hooks.run("never", c.State("web")), lambda: hooks.with_hook("never", write)):
        with pytest.raises(netns.BadRequestError):
            call()
    with pytest.raises(TypeError):
        c.Hooks().with_hook("prestart", "true")  # type: ignore[arg-type]


def test_what_a_hook_raises_is_the_callers_error(host: Host) -> None:
    said: list[str] = []

    def fails(state: c.State) -> None:
        raise LookupError(f"{state.id} is unknown")

    def interrupted(state: c.State) -> None:
        raise KeyboardInterrupt

    def says(state: c.State) -> None:
        said.append(state.id)

    both = c.Hooks(create_runtime=(fails, says), poststop=(fails, says))
    place = "run hooks createRuntime #0: call hook .*fails of web: LookupError"
    with pytest.raises(netns.SystemCallError, match=place) as raised:
        both.run("createRuntime", c.State("web"))
    assert isinstance(raised.value.__cause__, LookupError) and raised.value.__cause__.__traceback__ is not None
    assert said == []
    with pytest.raises(netns.SystemCallError, match="run hooks poststop #0"):
        both.run("poststop", c.State("web"))
    assert said == ["web"]
    with pytest.raises(KeyboardInterrupt):
        both.with_hook("poststop", interrupted).run("poststop", c.State("web"))
    assert said == ["web"] * 2
    with pytest.raises(KeyboardInterrupt):
        c.Hooks(prestart=(interrupted, says)).run("prestart", c.State("web"))
    assert said == ["web"] * 2


def test_hooks_are_let_go(host: Host) -> None:
    class Says:
        def __call__(self, state: c.State) -> None:
            raise LookupError

    says = Says()
    gone = weakref.ref(says)
    config = c.Config(hooks=c.Hooks(poststart=(says,)))
    setup = lc.NetworkSetup.from_config(config)
    del says, config
    with pytest.raises(netns.SystemCallError):
        setup.poststart(c.State("web"))
    assert gone() is not None  # the setup has it
    del setup
    gc.collect()
    c.Hooks().run("poststart", c.State("web"))
    assert gone() is None


def test_functions_are_left_out_of_the_json(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    hooks = c.Hooks(prestart=(print, c.CommandHook(c.Command("/x"))))
    text = c.Config(hooks=hooks).to_json()
    assert [each["path"] for each in json.loads(text)["Hooks"]["prestart"]] == ["/x"]
    assert any("1 hooks prestart run no program" in record.getMessage() for record in caplog.records)


def test_other_threads_run_while_a_program_does(host: Host) -> None:
    started = threading.Event()

    def hook() -> None:
        started.set()
        c.Command("/bin/sh", ("sh", "-c", "until [ -e /run/go ]; do sleep 0.01; done"), timeout=60).run(c.State("web"))

    thread = threading.Thread(target=hook)
    thread.start()
    started.wait()
    open("/run/go", "w").close()  # who holds the interpreter would not come to this
    thread.join()


def test_ctrl_c_reaches_a_function_that_is_a_hook(host: Host) -> None:
    program = (
        "import sys, time\n"
        "from netns.libcontainer import configs as c\n"
        "def wait(state):\n"
        "    print('waits', flush=True)\n"
        "    time.sleep(100)\n"
        "try: c.Hooks(prestart=(wait,)).run('prestart', c.State('web'))\n"
        "except KeyboardInterrupt: sys.exit(7)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"waits\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 7
    process.stdout.close()
