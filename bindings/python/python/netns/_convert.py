"""How fields read what they are given: by their annotations, each of which has a converter."""

from __future__ import annotations

import enum
import functools
import ipaddress
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any, NoReturn, Union

from ._errors import BadRequestError

Convert = Callable[[Any, str], Any]

ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv6Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)
TEXTS = (*ADDRESSES, PurePath)
"""What becomes text where the core reads it."""
_UNIONS: dict[frozenset[Any], Callable[[str], Any]] = {
    frozenset((ipaddress.IPv4Address, ipaddress.IPv6Address)): ipaddress.ip_address,
    frozenset((ipaddress.IPv4Interface, ipaddress.IPv6Interface)): ipaddress.ip_interface,
    frozenset((ipaddress.IPv4Network, ipaddress.IPv6Network)): ipaddress.ip_network,
}
_DEEPEST = 100
"""Of options; the core reads 128 levels of JSON."""


class Frozen(dict[str, Any]):
    """A dict that stays as it is, and can so be hashed and be the default of many."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("it does not change: make a dict of it")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Frozen, (dict(self),)


def converted(hint: Any, value: Any, where: str) -> Any:
    """The value as a field of that type holds it."""
    return converter(hint)(value, where)


def within(what: str, number: int, lowest: int, highest: int) -> int:
    """The number, which a field of the core can hold.

    :raises BadRequestError: it is not from ``lowest`` to ``highest``.
    """
    if type(number) is not int:
        raise wrong(what, "int", number)
    if not lowest <= number <= highest:
        cause = f"use {what} {number}: it is {lowest} to {highest}"
        raise BadRequestError(cause, operation="use", subject=f"{what} {number}")
    return number


def wrong(where: str, expected: str, value: Any) -> TypeError:
    """The exception for a value of another type."""
    return TypeError(f"{where}: {expected} expected, not {type(value).__name__}")


def refused(where: str, cause: object) -> BadRequestError:
    """The exception for a value that cannot be."""
    return BadRequestError(f"use {where}: {cause}", operation="use", subject=where)


@functools.cache
def converter(hint: Any, told: bool = False) -> Convert:
    """What converts to a type; ``told`` by the core, which may know fields that this package does not."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return plain
    if origin in (Union, types.UnionType):
        return _of_union(arguments, told)
    if origin is tuple:
        return _of_tuple(converter(arguments[0], told))
    if origin is not None and issubclass(origin, Mapping):
        return _of_mapping(converter(arguments[1], told))
    if hint in ADDRESSES or issubclass(hint, enum.Enum):
        return _of_text(hint, (hint,))
    if hasattr(hint, "_converter"):
        made: Convert = hint._converter(told)
        return made
    return _of_type(hint)


def has_values(hint: Any) -> bool:
    """Whether dataclasses are of that type, or in it."""
    return hasattr(hint, "_converter") or any(map(has_values, typing.get_args(hint)))


def plain(value: Any, where: str) -> Any:
    """What JSON can say, frozen."""
    return _plain(value, where, where, 0)


def _plain(value: Any, where: str, whole: str, depth: int) -> Any:
    if value is None or isinstance(value, (str, int, float, enum.Enum, *TEXTS)) or hasattr(value, "_wire"):
        return value
    if depth == _DEEPEST:
        raise refused(whole, f"it is deeper than {_DEEPEST} levels")
    if isinstance(value, Mapping):
        inner = _checked_keys(value, where).items()
        return Frozen({key: _plain(own, f"{where}[{key!r}]", whole, depth + 1) for key, own in inner})
    if isinstance(value, (list, tuple)):
        return tuple(_plain(own, f"{where}[{at}]", whole, depth + 1) for at, own in enumerate(value))
    raise wrong(where, "what JSON can say", value)


def _of_type(hint: type) -> Convert:
    def convert(value: Any, where: str) -> Any:
        if type(value) is hint or (isinstance(value, hint) and not isinstance(value, bool)):
            return value
        if hint is float and type(value) is int:
            return float(value)
        raise wrong(where, hint.__name__, value)

    return convert


def _of_text(read: Callable[[str], Any], held: tuple[type, ...]) -> Convert:
    def convert(value: Any, where: str) -> Any:
        if isinstance(value, held) and type(value) in held:
            return value
        if not isinstance(value, str):
            raise wrong(where, " or ".join(kind.__name__ for kind in held), value)
        try:
            return read(value)
        except ValueError as error:
            raise refused(where, error) from None

    return convert


def _of_union(arguments: tuple[Any, ...], told: bool) -> Convert:
    rest = tuple(argument for argument in arguments if argument is not type(None))
    read = _UNIONS.get(frozenset(rest))
    inner = _of_text(read, rest) if read else converter(rest[0], told)
    if len(rest) == len(arguments):
        return inner
    return lambda value, where: None if value is None else inner(value, where)


def _of_tuple(inner: Convert) -> Convert:
    def convert(value: Any, where: str) -> tuple[Any, ...]:
        if value is None:
            return ()
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise wrong(where, "tuple", value)
        return tuple(inner(each, where) for each in value)

    return convert


def _of_mapping(inner: Convert) -> Convert:
    def convert(value: Any, where: str) -> Frozen:
        if value is None:
            return Frozen()
        if not isinstance(value, Mapping):
            raise wrong(where, "mapping", value)
        return Frozen({key: inner(own, f"{where}[{key!r}]") for key, own in _checked_keys(value, where).items()})

    return convert


def _checked_keys(value: Mapping[Any, Any], where: str) -> Mapping[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise wrong(f"a key of {where}", "str", key)
    return value
