"""Values that come from callers and from the core: frozen dataclasses whose fields check what they are given.

A field's annotation says what it holds. It also takes the text of an address, the value of an enumeration, a mapping
for a dataclass, and any iterable for a tuple. Mappings are copied, and do not change. A value of another type is a
TypeError, and text that cannot be read a BadRequestError, which is a ValueError.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from ._convert import TEXTS, Convert, Frozen, converter, has_values, refused, wrong

T = TypeVar("T")
V = TypeVar("V", bound="Value")


if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[T], T]:
        return lambda decorator: decorator


@dataclass_transform(frozen_default=True)
def value(made: type[T]) -> type[T]:
    """A frozen dataclass. What :class:`Value` has, dataclasses need not compile for each: that is most of an import."""
    return dataclasses.dataclass(frozen=True, repr=False, eq=False)(made)


NOTHING: Mapping[str, Any] = Frozen()


class Value:
    """What the dataclasses of this package have in common."""

    _whole: ClassVar[bool] = False
    """The core wants all fields, also those that have their defaults."""
    _table: ClassVar[list[tuple[str, Any, Convert]]]
    _inner: ClassVar[list[tuple[str, Convert]]]

    def __post_init__(self) -> None:
        for name, default, convert in _table_of(type(self)):
            value = getattr(self, name)
            if value is default:
                continue
            converted = convert(value, f"{type(self).__name__}.{name}")
            if converted is not value:
                object.__setattr__(self, name, converted)

    def _fields(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name, _, _ in _table_of(type(self)))

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), self._fields()))

    def __repr__(self) -> str:
        named = zip(_names(type(self)), self._fields())
        return f"{type(self).__name__}({', '.join(f'{name}={own!r}' for name, own in named)})"

    def _wire(self) -> dict[str, Any]:
        """As the core reads it: the fields that differ from their defaults."""
        wire = {}
        for name, default, _ in _table_of(type(self)):
            own = getattr(self, name)
            if self._whole or (own is not default and own != default):
                wire[name] = to_wire(own)
        return wire

    @classmethod
    def _converter(cls, told: bool) -> Convert:
        def convert(value: Any, where: str) -> Any:
            if isinstance(value, cls):
                return value
            if isinstance(value, Mapping):
                return from_wire(cls, value) if told else _from_caller(cls, value, where)
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                try:
                    return cls._from_text(str(value))
                except TypeError:
                    pass
            raise wrong(where, cls.__name__, value)

        return convert

    @classmethod
    def _from_text(cls: type[V], text: str) -> V:
        """Of types that have a text."""
        raise TypeError(f"{cls.__name__} expected, not str")


class Shown(Protocol):
    """What the native module has, until somebody looks at it."""

    def to_json(self) -> str: ...


class Lazy(Value):
    """A value that is read when it is first looked at: of many that the core returns nobody does. It has no fields
    with defaults."""

    @classmethod
    def _later(cls: type[V], native: Shown) -> V:
        made = object.__new__(cls)
        made.__dict__["_native"] = native
        return made

    def __getattr__(self, name: str) -> Any:
        native: Shown | None = self.__dict__.get("_native")
        if name in self.__dict__:  # another thread was faster
            return self.__dict__[name]
        if native is None or name not in _names(type(self)):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.__dict__.update(from_json(type(self), native.to_json()).__dict__)
        self.__dict__.pop("_native", None)
        return self.__dict__[name]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._fields()


def to_json(value: object) -> str:
    """As the core reads it."""
    return json.dumps(to_wire(value))


def to_wire(value: object) -> Any:
    """Text, numbers, lists and dicts."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return value
    if isinstance(value, Value):
        if type(value).__str__ is not object.__str__:
            return str(value)
        return value._wire()
    if isinstance(value, Mapping):
        return {key: to_wire(own) for key, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(own) for own in value]
    if isinstance(value, TEXTS):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON can say")


def from_json(made: type[V], text: str) -> V:
    """A value that the core returned."""
    return from_wire(made, json.loads(text))


def list_from_json(made: type[V], text: str) -> list[V]:
    """Values that the core returned."""
    return [from_wire(made, data) for data in json.loads(text)]


def from_wire(made: type[V], data: Mapping[str, Any]) -> V:
    """The value of fields that the core told; one that it does not know is passed over."""
    known = _known(made, data)
    for name, convert in _inner_of(made):
        if name in known:
            known[name] = convert(known[name], f"{made.__name__}.{name}")
    return made(**known)


def _from_caller(made: type[V], data: Mapping[str, Any], where: str) -> V:
    names = _names(made)
    for key in data:
        if key not in names:
            raise refused(where, f"there is no {key!r} in it, but {', '.join(names)}")
    return made(**_known(made, data))


def _known(made: type[Value], data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are there, and None for those that have to be."""
    known = {}
    for name, default, _ in _table_of(made):
        if name in data:
            known[name] = data[name]
        elif default is dataclasses.MISSING:
            known[name] = None
    return known


def _hints(made: type[Value]) -> dict[str, Any]:
    hints: dict[str, Any] = typing.get_type_hints(made)
    return {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not ClassVar}


def _names(made: type[Value]) -> list[str]:
    return [name for name, _, _ in _table_of(made)]


def _table_of(made: type[Value]) -> list[tuple[str, Any, Convert]]:
    table = made.__dict__.get("_table")
    if table is None:
        hints = _hints(made)
        table = [
            (field.name, field.default, converter(hints[field.name]))
            for field in dataclasses.fields(made)  # type: ignore[arg-type]
        ]
        made._table = table
    return table


def _inner_of(made: type[Value]) -> list[tuple[str, Convert]]:
    """Of the fields that hold other values, how they are read as the core tells them."""
    inner = made.__dict__.get("_inner")
    if inner is None:
        inner = [(name, converter(hint, True)) for name, hint in _hints(made).items() if has_values(hint)]
        made._inner = inner
    return inner
