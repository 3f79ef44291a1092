"""Values that come from callers and from the core: frozen dataclasses whose fields check what they are given.

A field's annotation says what it holds. It also takes the text of an address, the value of an enumeration, a mapping
for a dataclass, and any iterable for a tuple. A value of another type is a TypeError, and text that cannot be read a
BadRequestError, which is a ValueError.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import ipaddress
import json
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, Union

from ._errors import BadRequestError

Convert = Callable[[Any, str], Any]
T = TypeVar("T")
V = TypeVar("V", bound="Value")

_ADDRESSES: dict[Any, tuple[type, ...]] = {
    ipaddress.IPv4Address: (ipaddress.IPv4Address,),
    ipaddress.IPv6Address: (ipaddress.IPv6Address,),
    ipaddress.IPv4Interface: (ipaddress.IPv4Interface,),
    ipaddress.IPv6Interface: (ipaddress.IPv6Interface,),
    ipaddress.IPv4Network: (ipaddress.IPv4Network,),
    ipaddress.IPv6Network: (ipaddress.IPv6Network,),
}
_UNIONS: dict[frozenset[Any], Callable[[str], Any]] = {
    frozenset((ipaddress.IPv4Address, ipaddress.IPv6Address)): ipaddress.ip_address,
    frozenset((ipaddress.IPv4Interface, ipaddress.IPv6Interface)): ipaddress.ip_interface,
    frozenset((ipaddress.IPv4Network, ipaddress.IPv6Network)): ipaddress.ip_network,
}


if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[T], T]:
        return lambda decorator: decorator


@dataclass_transform(frozen_default=True)
def value(made: type[T]) -> type[T]:
    """A frozen dataclass. What :class:`Value` has, dataclasses need not compile for each: that is most of an import."""
    return dataclasses.dataclass(frozen=True, repr=False, eq=False)(made)


class _Nothing(Mapping[str, Any]):
    """A mapping that stays empty, and can so be the default of many."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"

    def __reduce__(self) -> str:
        return "NOTHING"


NOTHING: Mapping[str, Any] = _Nothing()


class Value:
    """What the dataclasses of this package have in common."""

    _whole: ClassVar[bool] = False
    """The core wants all fields, also those that have their defaults."""
    _table: ClassVar[list[tuple[str, Any, Convert]]]

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
    return str(value)


def from_json(made: type[V], text: str) -> V:
    """A value that the core returned."""
    return from_wire(made, json.loads(text))


def list_from_json(made: type[V], text: str) -> list[V]:
    """Values that the core returned."""
    return [from_wire(made, data) for data in json.loads(text)]


def from_wire(made: type[V], data: Mapping[str, Any]) -> V:
    """The value of these fields; a field that it does not know is passed over."""
    known = {name: data[name] for name, _, _ in _table_of(made) if name in data}
    for name, default, _ in _table_of(made):
        if default is dataclasses.MISSING and name not in known:
            known[name] = None
    return made(**known)


def converted(hint: Any, value: Any, where: str) -> Any:
    """The value as a field of that type holds it."""
    return _converter(hint)(value, where)


def _hints(made: type[Value]) -> dict[str, Any]:
    hints: dict[str, Any] = typing.get_type_hints(made)
    return {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not ClassVar}


def within(what: str, number: int, lowest: int, highest: int) -> int:
    """The number, which a field of the core can hold.

    :raises BadRequestError: it is not from ``lowest`` to ``highest``.
    """
    if type(number) is not int:
        raise _wrong(what, "int", number)
    if not lowest <= number <= highest:
        cause = f"use {what} {number}: it is {lowest} to {highest}"
        raise BadRequestError(cause, operation="use", subject=f"{what} {number}")
    return number


def _names(made: type[Value]) -> list[str]:
    return [name for name, _, _ in _table_of(made)]


def _table_of(made: type[Value]) -> list[tuple[str, Any, Convert]]:
    table = made.__dict__.get("_table")
    if table is None:
        hints = _hints(made)
        table = [
            (field.name, field.default, _converter(hints[field.name]))
            for field in dataclasses.fields(made)  # type: ignore[arg-type]
        ]
        made._table = table
    return table


@functools.cache
def _converter(hint: Any) -> Convert:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value, where: value
    if origin in (Union, types.UnionType):
        return _of_union(arguments)
    if origin is tuple:
        return _of_tuple(_converter(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _of_mapping(_converter(arguments[1]))
    if hint in _ADDRESSES:
        return _of_text(hint, _ADDRESSES[hint])
    if issubclass(hint, enum.Enum):
        return _of_text(hint, (hint,))
    if issubclass(hint, Value):
        return _of_value(hint)
    return _of_type(hint)


def _wrong(where: str, expected: str, value: Any) -> TypeError:
    return TypeError(f"{where}: {expected} expected, not {type(value).__name__}")


def _of_type(hint: type) -> Convert:
    def convert(value: Any, where: str) -> Any:
        if type(value) is hint or (isinstance(value, hint) and not isinstance(value, bool)):
            return value
        if hint is float and type(value) is int:
            return float(value)
        raise _wrong(where, hint.__name__, value)

    return convert


def _of_text(read: Callable[[str], Any], held: tuple[type, ...]) -> Convert:
    def convert(value: Any, where: str) -> Any:
        if isinstance(value, held) and type(value) in held:
            return value
        if not isinstance(value, str):
            raise _wrong(where, " or ".join(kind.__name__ for kind in held), value)
        try:
            return read(value)
        except ValueError as error:
            raise BadRequestError(f"use {where}: {error}", operation="use", subject=where) from None

    return convert


def _of_union(arguments: tuple[Any, ...]) -> Convert:
    rest = tuple(argument for argument in arguments if argument is not type(None))
    read = _UNIONS.get(frozenset(rest))
    inner = _of_text(read, rest) if read else _converter(rest[0])
    if len(rest) == len(arguments):
        return inner
    return lambda value, where: None if value is None else inner(value, where)


def _of_tuple(inner: Convert) -> Convert:
    def convert(value: Any, where: str) -> tuple[Any, ...]:
        if value is None:
            return ()
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise _wrong(where, "tuple", value)
        return tuple(inner(each, where) for each in value)

    return convert


def _of_mapping(inner: Convert) -> Convert:
    def convert(value: Any, where: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise _wrong(where, "mapping", value)
        for key in value:
            if not isinstance(key, str):
                raise _wrong(f"a key of {where}", "str", key)
        return {key: inner(own, f"{where}[{key!r}]") for key, own in value.items()}

    return convert


def _of_value(made: type[Value]) -> Convert:
    def convert(value: Any, where: str) -> Any:
        if isinstance(value, made):
            return value
        if isinstance(value, Mapping):
            return from_wire(made, value)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            try:
                return made._from_text(str(value))
            except TypeError:
                pass
        raise _wrong(where, made.__name__, value)

    return convert
