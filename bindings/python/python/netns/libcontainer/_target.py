"""Which container is meant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from .._convert import within

Target = Union[int, str, "os.PathLike[str]"]
"""A container, by its process in the caller's PID namespace, or by the path of its network namespace."""


def native(target: Target) -> int | Path:
    """As the native module takes it.

    :raises BadRequestError: a number that no process has.
    """
    if isinstance(target, int):
        return within("pid", target, 1, 2**32 - 1)
    if isinstance(target, (str, os.PathLike)):
        return Path(target)
    raise TypeError(f"target: the number of a process or a path expected, not {type(target).__name__}")
