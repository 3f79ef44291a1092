"""What runs at the turning points of a container's life."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Union

from .. import _netns
from .._convert import converted
from .._errors import BadRequestError
from .._values import Value, to_json, value
from ._document import Word
from ._state import State

_NANOSECONDS = 10**9
_LONGEST = 2**63 - 1
"""Of Go's durations, in nanoseconds: 292 years."""


class HookName(Word):
    """A turning point of a container's life, in the order in which it comes to them."""

    PRESTART = "prestart"
    """Deprecated for ``createRuntime``, before which it is; in the runtime's namespaces."""
    CREATE_RUNTIME = "createRuntime"
    """The container is made, the root not changed; in the runtime's namespaces."""
    CREATE_CONTAINER = "createContainer"
    """The container is made, the root not changed; in the container's namespaces."""
    START_CONTAINER = "startContainer"
    """Just before the user's program; in the container's namespaces."""
    POSTSTART = "poststart"
    """The user's program has started; in the runtime's namespaces."""
    POSTSTOP = "poststop"
    """The container's process has ended; in the runtime's namespaces."""


@value
class Command(Value):
    """A program that a hook runs, in a process group of its own."""

    path: str
    """The absolute path of the program."""
    args: tuple[str, ...] = ()
    """Its arguments, the first of which is what it is called by; the path alone when there are none."""
    env: tuple[str, ...] = ()
    """Its environment, ``NAME=VALUE`` each. It has none else."""
    dir: str = ""
    """The directory that it runs in; where the caller is when this is empty."""
    timeout: float | None = None
    """Seconds after which it is killed with its group. In JSON whole nanoseconds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.timeout is not None and not 0 <= self.timeout < math.inf:
            raise BadRequestError(f"use timeout {self.timeout} of a hook: it is no number of seconds", operation="use")

    def check(self) -> None:
        """Finds what cannot be right, and touches nothing.

        :raises BadRequestError: the path is not absolute, an entry of the environment is not ``NAME=VALUE``, the
            timeout is 0, something has a NUL.
        """
        _netns.check_command(to_json(self))

    def run(self, state: State) -> None:
        """Runs the program with the state's JSON on its standard input, and waits until it ends. What it writes is kept
        for the error, the first and last 2 KiB of each output. Ctrl-C is heard when it has ended, or its timeout has.

        :raises BadRequestError: as of :meth:`check`.
        :raises NotFoundError: there is no such program.
        :raises PermissionDeniedError: it cannot be executed.
        :raises SystemCallError: it failed; with the errno ETIME, when it ran past its timeout.
        """
        _netns.run_command(to_json(self), _state(state))

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Command:
        """Of JSON that the core wrote."""
        nanoseconds = data["timeout"]
        timeout = None if nanoseconds is None else nanoseconds / _NANOSECONDS
        return cls(data["path"], data["args"], data["env"], data["dir"], timeout)

    def _wire(self) -> dict[str, Any]:
        wire = super()._wire()
        if self.timeout is not None:
            part, whole = math.modf(self.timeout)
            wire["timeout"] = min(int(whole) * _NANOSECONDS + round(part * _NANOSECONDS), _LONGEST)
        return wire


@value
class CommandHook(Value):
    """A hook that runs a program."""

    command: Command

    def __call__(self, state: State) -> None:
        """As :meth:`Command.run`."""
        self.command.run(state)


Hook = Union[CommandHook, Callable[[State], object]]
"""Something to run: a program, or a function of this process that gets the container's state. What a function returns
does not count; an exception of it is the caller's error, as of :class:`netns.libcontainer.NetworkStrategy`."""


@value
class Hooks(Value):
    """The hooks of a container, in the order in which they run. A :class:`Command` can take a :class:`CommandHook`'s
    place."""

    prestart: tuple[Hook, ...] = ()
    create_runtime: tuple[Hook, ...] = ()
    create_container: tuple[Hook, ...] = ()
    start_container: tuple[Hook, ...] = ()
    poststart: tuple[Hook, ...] = ()
    poststop: tuple[Hook, ...] = ()

    def __post_init__(self) -> None:
        for field in _FIELDS.values():
            object.__setattr__(self, field, _hooks(getattr(self, field), f"Hooks.{field}"))

    def with_hook(self, name: Union[HookName, str], hook: Union[Hook, Command]) -> Hooks:
        """These and one more, after those of that name.

        :raises BadRequestError: there is no such name.
        """
        field = _FIELDS[_name(name)]
        fields = {each: getattr(self, each) for each in _FIELDS.values()}
        return Hooks(**{**fields, field: (*fields[field], hook)})

    def get(self, name: Union[HookName, str]) -> tuple[Hook, ...]:
        """Those of that name.

        :raises BadRequestError: there is no such name.
        """
        own: tuple[Hook, ...] = getattr(self, _FIELDS[_name(name)])
        return own

    def run(self, name: Union[HookName, str], state: State) -> None:
        """Runs those of that name, one after the other, on the calling thread and in its namespaces. The first that
        fails ends it; but ``poststart`` and ``poststop`` are past undoing: there all run, and the first failure is
        raised at the end.

        :raises Error: that of the hook, with its name and number in front.
        """
        _netns.run_hooks(self._given(), _name(name).value, _state(state))

    def _wire(self) -> dict[str, Any]:
        """Nothing: the native module takes them apart from a config."""
        return {}

    @classmethod
    def _of(cls, data: Mapping[str, Any]) -> Hooks:
        """Of JSON that the core wrote: of each name the commands, or None."""
        commands = {field: data[name.value] or () for name, field in _FIELDS.items()}
        return cls(**{field: tuple(CommandHook(Command._of(each)) for each in own) for field, own in commands.items()})

    def _given(self) -> list[tuple[str, str | _Adapter]]:
        """As the native module takes them."""
        return [(name.value, _given(hook)) for name, field in _FIELDS.items() for hook in getattr(self, field)]


_FIELDS = {name: name.name.lower() for name in HookName}


class _Adapter:
    """A function as the native module calls it."""

    def __init__(self, function: Callable[[State], object]) -> None:
        self._function = function
        self.name = str(getattr(function, "__qualname__", type(function).__name__))

    def call(self, state: str) -> None:
        self._function(State._of(state))


def _given(hook: Hook) -> str | _Adapter:
    return to_json(hook.command) if isinstance(hook, CommandHook) else _Adapter(hook)


def _hooks(all: Iterable[Any], where: str) -> tuple[Hook, ...]:
    hooks = converted(tuple[object, ...], all, where)
    return tuple(CommandHook(each) if isinstance(each, Command) else _checked(each, where) for each in hooks)


def _checked(hook: Any, where: str) -> Any:
    if not callable(hook):
        raise TypeError(f"{where}: a CommandHook or a function expected, not {type(hook).__name__}")
    return hook


def _name(name: Union[HookName, str]) -> HookName:
    known: HookName = converted(HookName, name, "name of hooks")
    return known


def _state(state: State) -> str:
    if not isinstance(state, State):
        raise TypeError(f"State expected, not {type(state).__name__}")
    return state._text()
