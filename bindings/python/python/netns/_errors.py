"""Exceptions: one class for each kind of error, all of them :class:`Error`."""

from __future__ import annotations

import builtins
from typing import Any


class Error(OSError):
    """What went wrong: the operation, its object and the cause.

    ``errno`` is the system's error number, or None where no system call failed. Drivers and address managements that
    are written in Python raise the subclasses themselves.
    """

    kind: str = "system"
    """Which kind it is, as text: ``"not_found"``."""
    operation: str
    """What failed: ``"create link"``."""
    subject: str
    """What it was done to: ``"vethabc in the host"``."""
    kernel_message: str | None
    """The kernel's own explanation, where it gave one."""
    rollback: tuple[Error, ...]
    """What could not be undone afterwards; mostly empty."""

    def __init__(
        self,
        message: str = "",
        *,
        operation: str = "",
        subject: str = "",
        errno: int | None = None,
        kernel_message: str | None = None,
        rollback: tuple[Error, ...] = (),
    ) -> None:
        super().__init__(*((message,) if errno is None else (errno, message)))
        self.operation = operation
        self.subject = subject
        self.kernel_message = kernel_message
        self.rollback = rollback

    @property
    def message(self) -> str:
        """All of it in a line."""
        return str(self.args[-1])

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.message, self.operation, self.subject, self.errno, self.kernel_message, self.rollback)
        return _remade, (type(self), *fields)


class AlreadyExistsError(Error):
    """Something is there already by that name, address or port."""

    kind = "already_exists"


class BadRequestError(Error, ValueError):
    """What was asked for cannot be: a value is out of its range, or contradicts another."""

    kind = "bad_request"


class ClosedError(BadRequestError):
    """A controller or listener was used after it was closed."""


class BusyError(Error):
    """It is in use."""

    kind = "busy"


class ForbiddenError(Error):
    """It is not the caller's to do, or not this library's."""

    kind = "forbidden"


class NotFoundError(Error):
    """There is no such thing."""

    kind = "not_found"


class NotImplementedError(Error, builtins.NotImplementedError):
    """A driver does not offer it, or this host cannot."""

    kind = "not_implemented"


class PermissionDeniedError(Error, PermissionError):
    """The process lacks a right: mostly ``CAP_NET_ADMIN`` or ``CAP_SYS_ADMIN``."""

    kind = "permission_denied"


class ResourceExhaustedError(Error):
    """No address, port, descriptor or memory is left."""

    kind = "resource_exhausted"


class SystemCallError(Error):
    """A system call failed otherwise, or Python code that the library called."""

    kind = "system"


class UnsupportedError(Error):
    """This kernel lacks it."""

    kind = "unsupported"


KINDS: dict[str, type[Error]] = {
    each.kind: each
    for each in (
        AlreadyExistsError,
        BadRequestError,
        BusyError,
        ForbiddenError,
        NotFoundError,
        NotImplementedError,
        PermissionDeniedError,
        ResourceExhaustedError,
        SystemCallError,
        UnsupportedError,
    )
}


def make(
    kind: str,
    message: str,
    operation: str,
    subject: str,
    errno: int | None,
    kernel_message: str | None,
    rollback: tuple[Error, ...],
) -> Error:
    """The exception for an error of the core."""
    return _remade(KINDS[kind], message, operation, subject, errno, kernel_message, rollback)


def closed(what: str) -> ClosedError:
    """The exception for the use of something that was closed."""
    return ClosedError(f"use {what}: it is closed", operation="use", subject=what)


def missing(of: object, method: str) -> NotImplementedError:
    """The exception of a method that a subclass does not have."""
    name = type(of).__name__
    return NotImplementedError(f"{name} does not offer {method}", operation=method, subject=name)


def _remade(
    made: type[Error],
    message: str,
    operation: str,
    subject: str,
    errno: int | None,
    kernel_message: str | None,
    rollback: tuple[Error, ...],
) -> Error:
    return made(
        message,
        operation=operation,
        subject=subject,
        errno=errno,
        kernel_message=kernel_message,
        rollback=rollback,
    )


for _each in (Error, ClosedError, *KINDS.values()):
    _each.__module__ = "netns"
