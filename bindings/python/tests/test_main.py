"""``python -m netns``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import Host

import netns


def said(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """What it says; nothing of it is left afterwards."""
    Path("/run/tmp").mkdir(mode=0o777, exist_ok=True)
    os.chmod("/run/tmp", 0o777)
    mounted = Path("/proc/self/mountinfo").read_text()
    command = [*before, sys.executable, "-m", "netns", *arguments]
    done = subprocess.run(command, env={**os.environ, "TMPDIR": "/run/tmp"}, capture_output=True, text=True)
    assert done.stderr == "" or done.returncode == 2, done.stderr
    assert os.listdir("/run/tmp") == [] and Path("/proc/self/mountinfo").read_text() == mounted
    return done


def test_it_says_what_works_here(host: Host) -> None:
    done = said()
    assert done.returncode == 0, done.stdout
    first, _, *lines, _, last = done.stdout.splitlines()
    assert first.startswith(f"libnetns {netns.__version__}, Python 3.") and os.uname().release in first
    assert {line[4:24].strip() for line in lines if line.startswith("yes")} >= {"namespaces", "bridge", "veth", "store"}
    assert last == "everything that is required is there"


def test_programs_read_it_as_json(host: Host) -> None:
    done = said("--json")
    report = json.loads(done.stdout)
    by_name = {each["name"]: each for each in report["capabilities"]}
    assert (done.returncode, report["usable"], report["version"]) == (0, True, netns.__version__)
    assert report["missing"] == [name for name, each in by_name.items() if not each["ok"]]
    assert by_name["veth"] == {
        "name": "veth", "what_for": "interfaces", "required": True, "ok": True, "reason": "", "remedy": "",
    }


def test_it_says_what_is_missing_and_how_to_get_it(host: Host) -> None:
    done = said("--json", before=("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"))
    report = json.loads(done.stdout)
    assert done.returncode == 1 and not report["usable"]
    by_name = {each["name"]: each for each in report["capabilities"]}
    assert by_name["namespaces"]["ok"] is False and "unshare" in by_name["namespaces"]["remedy"]
    assert by_name["veth"]["ok"] is None and by_name["veth"]["reason"] == "not tried without bridge"
    text = said(before=("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"))
    assert text.returncode == 1 and "to get it: run as root" in text.stdout
    assert text.stdout.endswith("something that is required is missing\n")


def test_one_thing_may_be_missing_alone(host: Host) -> None:
    done = said("--json", before=("unshare", "-m", "sh", "-c", 'mount -o bind,ro /proc/sys /proc/sys; exec "$@"', "sh"))
    by_name = {each["name"]: each for each in json.loads(done.stdout)["capabilities"]}
    assert by_name["/proc/sys"]["ok"] is False and by_name["veth"]["ok"] is True and done.returncode == 0


def test_wrong_arguments_are_told(host: Host) -> None:
    assert said("--no-such").returncode == 2
