"""What is written for users runs as it stands."""

from __future__ import annotations

import typing
from typing import Union

import pytest
from conftest import Host
from shown import pieces

import netns
from netns import libcontainer


@pytest.mark.parametrize("file", ["README.md", "bindings/python/README.md", "bindings/python/docs/index.md"])
def test_the_quick_start_runs(host: Host, file: str) -> None:
    [program] = pieces(file)
    exec(compile(program, file, "exec"), {})


def test_all_that_is_public_is_there_and_documented() -> None:
    for module in (netns, libcontainer, libcontainer.configs):
        assert sorted(module.__all__) == sorted(set(module.__all__))
        for name in module.__all__:
            public = getattr(module, name)
            assert name == "__version__" or typing.get_origin(public) is Union or public.__doc__, name
