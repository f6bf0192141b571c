"""From what happened to what it is called: category, severity, words. The table is in docs/error-monitor.md."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from gatewayz.domain.error_patterns.fingerprint import normalised
from gatewayz.domain.error_patterns.pattern import Category, ErrorSeen, LoggedError, Severity
from gatewayz.sdk.observe import Attempt, Settlement

__all__ = ["failures_of", "of_attempt", "of_logged", "of_request"]


class _Kind(msgspec.Struct, frozen=True):
    category: Category
    severity: Severity
    words: str
    is_of_model: bool = False


_CODES: Final[Mapping[str, _Kind]] = {
    "PROVIDER_AUTHENTICATION_ERROR": _Kind("auth_error", "high", "the gateway's credential is refused"),
    "PROVIDER_RATE_LIMITED": _Kind("rate_limit_error", "low", "the rate limit is reached"),
    "PROVIDER_TIMEOUT": _Kind("timeout_error", "medium", "no answer came in time"),
    "PROVIDER_UNAVAILABLE": _Kind("external_service_error", "medium", "overloaded or out of reach"),
    "PROVIDER_ERROR": _Kind("provider_error", "medium", "the answer was an error, broken or cut off"),
    "MODEL_NOT_FOUND": _Kind("provider_error", "medium", "the model is not served", is_of_model=True),
    "MODEL_UNAVAILABLE": _Kind("provider_error", "critical", "nothing that serves the model could be tried", True),
    "MALFORMED_REQUEST": _Kind("validation_error", "info", "the request is rejected"),
    "UNSUPPORTED_PARAMETER": _Kind("validation_error", "info", "the request asks for what is not offered", True),
    "CONTEXT_LENGTH_EXCEEDED": _Kind("validation_error", "info", "the request is too long for the model", True),
    "CONTENT_FILTERED": _Kind("validation_error", "info", "the content filter refuses the request", True),
    "DATABASE_ERROR": _Kind("database_error", "critical", "the database does not answer"),
    "SERVICE_UNAVAILABLE": _Kind("internal_error", "high", "the gateway has too much work"),
    "INTERNAL_ERROR": _Kind("internal_error", "high", "the gateway met an internal error"),
}
_MODULES: Final[Mapping[str, Category]] = {
    "sqlalchemy": "database_error",
    "sqlite3": "database_error",
    "asyncpg": "database_error",
    "redis": "cache_error",
    "msgspec": "validation_error",
    "ssl": "external_service_error",
    "socket": "external_service_error",
}
"""By the package that an exception's class is from."""
_EXCEPTIONS: Final[Mapping[str, Category]] = {
    "TimeoutError": "timeout_error",
    "ConnectionError": "external_service_error",
    "ConnectionRefusedError": "external_service_error",
    "ConnectionResetError": "external_service_error",
}
_AWAY: Final = "the database does not answer"
"""How `StoreUnavailable` reads where a log line holds only its message."""
_VALUE: Final = re.compile(r"%[-#0 +]*(?:\d+|\*)?(?:\.\d+)?[a-zA-Z]|%\(\w+\)[a-zA-Z]")
_OUR_FAULT: Final = 500


def failures_of(settlement: Settlement) -> Iterator[Attempt]:
    """Yield the attempts of a request that failed."""
    return (each for each in settlement.attempts if each.outcome not in ("success", "abandoned"))


def of_attempt(attempt: Attempt) -> ErrorSeen:
    """Return what a failed attempt is called."""
    code = attempt.error_code or "UNKNOWN"
    kind = _CODES.get(code) or _unknown(attempt)
    offer, status = attempt.offer, attempt.provider_status
    place = f"provider '{offer.provider}'" + (f", model '{offer.model}'" if kind.is_of_model else "")
    answered = "" if status is None else f" (status {status})"
    return ErrorSeen(
        error_type=code,
        category=kind.category,
        severity=kind.severity,
        message=f"{place}: {kind.words}{answered}",
        provider=offer.provider,
        model=offer.model if kind.is_of_model else None,
        status=status,
    )


def of_request(settlement: Settlement) -> ErrorSeen | None:
    """Return what a request that failed for its own reasons is called; None when an attempt tells it already."""
    code = settlement.error_code
    if code is None or settlement.status < _OUR_FAULT or any(each.error_code == code for each in settlement.attempts):
        return None
    kind = _CODES.get(code) or _Kind("internal_error", "high", "the request failed")
    model = settlement.model if kind.is_of_model and settlement.model else None
    place = "" if model is None else f"model '{model}': "
    return ErrorSeen(
        error_type=code, category=kind.category, severity=kind.severity, message=place + kind.words, model=model
    )


def of_logged(logged: LoggedError) -> ErrorSeen:
    """Return what a line of the log is called; its values stay out of the message."""
    code = "DATABASE_ERROR" if _AWAY in logged.detail.lower() else logged.code
    is_ours = logged.logger == "gatewayz" or logged.logger.startswith("gatewayz.")
    level = logging.getLevelName(logged.level)
    message = _VALUE.sub("…", logged.template) if is_ours else f"{logged.logger} logged a line of level {level}"
    kind = _CODES.get(code or "")
    return ErrorSeen(
        error_type=code or logged.exception or level,
        category=kind.category if kind else _category(logged),
        severity=kind.severity if kind else _severity(logged.level),
        message=normalised(message),
    )


def _unknown(attempt: Attempt) -> _Kind:
    if attempt.outcome == "caller_fault":
        return _Kind("validation_error", "info", "the request is rejected")
    return _Kind("provider_error", "medium", "the attempt failed")


def _category(logged: LoggedError) -> Category:
    if logged.exception is None:
        return "unknown" if logged.level < logging.ERROR else "internal_error"
    package = (logged.module or "").partition(".")[0]
    return _MODULES.get(package) or _EXCEPTIONS.get(logged.exception) or "internal_error"


def _severity(level: int) -> Severity:
    if level >= logging.CRITICAL:
        return "critical"
    return "high" if level >= logging.ERROR else "low"
