"""A vendor's error table as data: which of its answers mean which of our errors."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

import msgspec

from gatewayz.sdk.errors import (
    ContentFiltered,
    UnsupportedFeature,
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)
from gatewayz.sdk.wire import Headers

__all__ = [
    "COMMON_ERROR_RULES",
    "ErrorFacts",
    "ErrorName",
    "ErrorRule",
    "error_from_reply",
    "error_from_status",
    "error_message",
    "read_error",
    "retry_after",
]

ErrorName = Literal[
    "rejected",
    "unsupported",
    "content_filtered",
    "auth_failed",
    "model_missing",
    "rate_limited",
    "overloaded",
    "broken",
]

_CONTEXT_CODES: Final = frozenset({"context_length_exceeded", "exceed_context_size_error"})
MESSAGE_LIMIT: Final = 500
RETRY_AFTER_LIMIT_S: Final = 3600.0

_CLASSES: Final[Mapping[str, type[UpstreamError]]] = {
    "rejected": UpstreamRejected,
    "unsupported": UnsupportedFeature,
    "content_filtered": ContentFiltered,
    "auth_failed": UpstreamAuthFailed,
    "model_missing": UpstreamModelMissing,
    "rate_limited": UpstreamRateLimited,
    "overloaded": UpstreamOverloaded,
    "broken": UpstreamBroken,
}
_WORDS: Final[Mapping[type[UpstreamError], str]] = {
    UpstreamRejected: "the provider rejected the request",
    UnsupportedFeature: "the provider cannot do what the request asks for",
    ContentFiltered: "the provider's content filter refused the request",
    UpstreamAuthFailed: "the provider refused the gateway's credential",
    UpstreamModelMissing: "the provider does not serve this model",
    UpstreamRateLimited: "the provider's rate limit is reached",
    UpstreamOverloaded: "the provider is overloaded",
    UpstreamBroken: "the provider failed",
}
_OWN_WORDS: Final = frozenset({UpstreamAuthFailed, UpstreamBroken, UpstreamOverloaded})
"""Classes whose message never quotes the provider: it may name our account or hold a stack trace."""


class ErrorRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the table; every condition that is set must hold."""

    error: ErrorName
    status: int | None = None
    code: str | None = None
    """The body's `error.code`, `error.type` or `error.status`, without regard to case."""
    contains: str | None = None
    """Text anywhere in the body, without regard to case."""


COMMON_ERROR_RULES: Final = (
    ErrorRule(error="content_filtered", status=400, contains="content_filter"),
    ErrorRule(error="content_filtered", status=400, contains="content_policy"),
    ErrorRule(error="model_missing", status=400, code="model_not_found"),
    ErrorRule(error="auth_failed", status=429, code="insufficient_quota"),
)
"""What OpenAI-like vendors share. Source: platform.openai.com/docs/guides/error-codes, 2026-10."""


class ErrorFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an error body says."""

    message: str | None = None
    codes: frozenset[str] = frozenset()
    """Its codes and types in lower case."""
    param: str | None = None
    retry_after_s: float | None = None
    """Google's `RetryInfo`."""


class _Inner(msgspec.Struct):
    message: Any = None
    code: Any = None
    type: Any = None
    status: Any = None
    param: Any = None
    details: Any = None


class _ErrorBody(msgspec.Struct):
    error: _Inner | str | None = None
    message: Any = None
    detail: Any = None
    code: Any = None
    type: Any = None
    errors: Any = None


_DECODER: Final = msgspec.json.Decoder(_ErrorBody)
_LIST_DECODER: Final = msgspec.json.Decoder(list[_ErrorBody])


def read_error(body: bytes) -> ErrorFacts:
    """Return what a JSON error body says in any of the usual shapes; nothing for HTML and junk."""
    try:
        if body.lstrip()[:1] == b"[":  # Google answers streams with a list of errors
            found = _LIST_DECODER.decode(body)
            decoded = found[0] if found else _ErrorBody()
        else:
            decoded = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ErrorFacts()
    inner = decoded.error
    if isinstance(inner, _Inner):
        message, param = inner.message, inner.param
        codes = (inner.code, inner.type, inner.status)
    else:
        first = _first(decoded.errors)
        message, param = inner or decoded.message or decoded.detail or first.get("message"), None
        codes = (decoded.code, decoded.type, first.get("code"))
    return ErrorFacts(
        message=message[:MESSAGE_LIMIT] if isinstance(message, str) and message else None,
        codes=frozenset(str(code).lower() for code in codes if isinstance(code, str | int)),
        param=param[:200] if isinstance(param, str) else None,
        retry_after_s=_retry_delay(inner.details) if isinstance(inner, _Inner) else None,
    )


def _retry_delay(details: Any) -> float | None:
    """Return the seconds of `{"@type": ".../google.rpc.RetryInfo", "retryDelay": "34s"}` in a list of details."""
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and delay.endswith("s"):
            return _seconds(delay[:-1].encode(), 1.0, None)
    return None


def _first(errors: Any) -> dict[str, Any]:
    """Cloudflare: `{"success": false, "errors": [{"code", "message"}]}`."""
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return errors[0]
    return {}


def error_message(body: bytes) -> str | None:
    """Return the message of a JSON error body, at most 500 characters; None for HTML and junk."""
    return read_error(body).message


def error_from_reply(
    rules: Sequence[ErrorRule], status: int, headers: Headers, body: bytes, *, now: datetime | None = None
) -> UpstreamError:
    """Return the error of a non-2xx answer: by the first rule that fits, else by its status."""
    facts = read_error(body)
    lowered = body.lower()
    for rule in (*rules, *COMMON_ERROR_RULES):
        if rule.status is not None and rule.status != status:
            continue
        if rule.code is not None and rule.code.lower() not in facts.codes:
            continue
        if rule.contains is not None and rule.contains.lower().encode() not in lowered:
            continue
        return _make(_CLASSES[rule.error], facts, status, headers, now)
    return _make(_class_of_status(status), facts, status, headers, now)


def error_from_status(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """Return the error of a non-2xx answer of a vendor without a table of its own."""
    return error_from_reply((), status, headers, body)


def _class_of_status(status: int) -> type[UpstreamError]:
    """Source: spec 00 §10 (which statuses move on), §11 (which count as faults)."""
    if status == 429:
        return UpstreamRateLimited
    if status in (401, 402, 403):
        return UpstreamAuthFailed
    if status == 404:
        return UpstreamModelMissing
    if status in (503, 529):
        return UpstreamOverloaded
    if status in (408, 409, 425) or status >= 500 or status < 400:
        return UpstreamBroken
    return UpstreamRejected


def _make(
    cls: type[UpstreamError], facts: ErrorFacts, status: int, headers: Headers, now: datetime | None
) -> UpstreamError:
    message = None if cls in _OWN_WORDS else facts.message
    if cls is UpstreamBroken:
        message = f"the provider answered with status {status}"
    code = "CONTEXT_LENGTH_EXCEEDED" if _CONTEXT_CODES & facts.codes else None
    wait_s = None
    if cls in (UpstreamRateLimited, UpstreamOverloaded):
        wait_s = retry_after(headers, now=now)
        wait_s = facts.retry_after_s if wait_s is None else wait_s
    return cls(message or _WORDS[cls], provider_status=status, param=facts.param, code=code, retry_after_s=wait_s)


def retry_after(headers: Headers, *, now: datetime | None = None) -> float | None:
    """Return the seconds of `retry-after-ms` or `retry-after`, at most one hour.

    The date form needs `now` (UTC) and is passed over without it.
    """
    found: dict[bytes, bytes] = dict(headers)
    for name, divisor in ((b"retry-after-ms", 1000.0), (b"retry-after", 1.0)):
        if name in found:
            seconds = _seconds(found[name], divisor, now)
            if seconds is not None:
                return min(seconds, RETRY_AFTER_LIMIT_S)
    return None


def _seconds(value: bytes, divisor: float, now: datetime | None) -> float | None:
    try:
        seconds = float(value) / divisor
        return seconds if 0 <= seconds < float("inf") else None
    except ValueError:
        pass  # not the delay form: a date, or junk
    if now is None:
        return None
    try:
        date = parsedate_to_datetime(value.decode("latin-1"))
    except (ValueError, TypeError, IndexError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
