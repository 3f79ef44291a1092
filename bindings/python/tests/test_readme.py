"""What is written for users runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Host

import netns

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("file", ["README.md", "bindings/python/README.md"])
def test_the_quick_start_runs(host: Host, file: str) -> None:
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(), re.DOTALL)
    exec(compile(program, file, "exec"), {})


def test_all_that_is_public_is_there_and_documented() -> None:
    assert sorted(netns.__all__) == sorted(set(netns.__all__))
    for name in netns.__all__:
        public = getattr(netns, name)
        assert name == "__version__" or public.__doc__, name
