"""What ``docs/python.md`` shows runs as it stands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Host
from shown import pieces

BLOCKS = pieces("docs/python.md")


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_what_the_guide_shows_runs(host: Host, block: str) -> None:
    Path("/run/test_block.py").write_text(block)
    command = [sys.executable, "test_block.py"]
    if "def test_" in block:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--netns-leaks=error", "test_block.py"]
    done = subprocess.run(command, cwd="/run", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guide_shows_something(host: Host) -> None:
    assert len(BLOCKS) == 5
