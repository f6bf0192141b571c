"""Values of the error monitor. Source: spec 05 §8."""

from datetime import datetime
from typing import Final, Literal

import msgspec

__all__ = ["Category", "ErrorSeen", "Example", "LoggedError", "Origin", "Pattern", "Severity", "merged"]

Category = Literal[
    "provider_error",
    "database_error",
    "rate_limit_error",
    "auth_error",
    "timeout_error",
    "validation_error",
    "cache_error",
    "external_service_error",
    "internal_error",
    "unknown",
]
Severity = Literal["critical", "high", "medium", "low", "info"]

_EXAMPLES: Final = 3


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the code an error was logged; for administrators only."""

    file: str
    line: int
    function: str
    stack_trace: str | None = None


class LoggedError(msgspec.Struct, frozen=True, kw_only=True):
    """A warning or an error out of the log, credentials already taken out."""

    level: int
    """Of `logging`."""
    logger: str
    template: str
    """What was to be logged, before values were put in."""
    detail: str
    """The line as it was logged."""
    exception: str | None
    """Class of the exception that came with it."""
    module: str | None
    """Where that class is from."""
    code: str | None
    """Of one of our own errors."""
    origin: Origin


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One of the errors."""

    at: datetime
    request_id: str | None = None
    model: str | None = None
    detail: str | None = None


class ErrorSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What the errors of a pattern have in common."""

    error_type: str
    """A code of the gateway, the name of an exception, or the level of a log line."""
    category: Category
    severity: Severity
    message: str
    """Holds nothing of any one request."""
    provider: str | None = None
    model: str | None = None
    """Only where the error is about the model."""
    status: int | None = None
    """What the provider answered with."""


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """Errors that are alike."""

    fingerprint: str
    seen: ErrorSeen
    count: int
    first_seen: datetime
    last_seen: datetime
    examples: tuple[Example, ...]
    """The latest ones, newest first."""
    origin: Origin | None = None


def merged(known: Pattern, other: Pattern) -> Pattern:
    """Return two counts of the same pattern as one."""
    newer = known if known.last_seen > other.last_seen else other
    examples = sorted((*known.examples, *other.examples), key=lambda example: example.at, reverse=True)
    return Pattern(
        fingerprint=known.fingerprint,
        seen=newer.seen,
        count=known.count + other.count,
        first_seen=min(known.first_seen, other.first_seen),
        last_seen=newer.last_seen,
        examples=tuple(examples[:_EXAMPLES]),
        origin=newer.origin,
    )
