"""What an error object inside an answer or a stream stands for, whichever provider wrote it.

A provider that fails after it has sent 200 can only say so in words: `type`, `code`, sometimes a status.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gatewayz.sdk.errors import (
    ContentFiltered,
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)

__all__ = ["MESSAGE_LIMIT", "error_from_object", "error_from_words"]

MESSAGE_LIMIT: Final = 500
_WORDS: Final[Mapping[str, type[UpstreamError]]] = {
    # OpenAI's and compatible
    "content_filter": ContentFiltered,
    "content_policy_violation": ContentFiltered,
    "context_length_exceeded": UpstreamRejected,
    "insufficient_quota": UpstreamRateLimited,
    "invalid_api_key": UpstreamAuthFailed,
    "invalid_request_error": UpstreamRejected,
    "model_not_found": UpstreamModelMissing,
    "rate_limit_exceeded": UpstreamRateLimited,
    "requests": UpstreamRateLimited,
    "tokens": UpstreamRateLimited,
    "server_overloaded": UpstreamOverloaded,
    "service_unavailable": UpstreamOverloaded,
    "service_unavailable_error": UpstreamOverloaded,
    "engine_overloaded": UpstreamOverloaded,
    "server_error": UpstreamBroken,
    # Anthropic's
    "authentication_error": UpstreamAuthFailed,
    "billing_error": UpstreamAuthFailed,
    "permission_error": UpstreamAuthFailed,
    "not_found_error": UpstreamModelMissing,
    "request_too_large": UpstreamRejected,
    "rate_limit_error": UpstreamRateLimited,
    "overloaded_error": UpstreamOverloaded,
    "api_error": UpstreamBroken,
    "timeout_error": UpstreamBroken,
    # Google's
    "invalid_argument": UpstreamRejected,
    "failed_precondition": UpstreamRejected,
    "unauthenticated": UpstreamAuthFailed,
    "permission_denied": UpstreamAuthFailed,
    "not_found": UpstreamModelMissing,
    "resource_exhausted": UpstreamRateLimited,
    "unavailable": UpstreamOverloaded,
    "internal": UpstreamBroken,
    "deadline_exceeded": UpstreamBroken,
}
_STATUSES: Final[Mapping[int, type[UpstreamError]]] = {
    400: UpstreamRejected,
    401: UpstreamAuthFailed,
    402: UpstreamAuthFailed,
    403: UpstreamAuthFailed,
    404: UpstreamModelMissing,
    413: UpstreamRejected,
    422: UpstreamRejected,
    429: UpstreamRateLimited,
    503: UpstreamOverloaded,
    529: UpstreamOverloaded,
}
_OWN_MESSAGE: Final[Mapping[type[UpstreamError], str]] = {
    UpstreamAuthFailed: "the provider refused the gateway's credential",
}
"""Classes whose provider message is about our account, not for the caller."""


def error_from_object(error: object) -> UpstreamError:
    """Return the error of an `error` member: an object with `message`, `type`, `code`, `status`, or just text."""
    if not isinstance(error, Mapping):
        return error_from_words(error if isinstance(error, str) else "")
    return error_from_words(_text(error.get("message")), *_words(error), status=_status(error))


def error_from_words(message: str, *words: str, status: int | None = None) -> UpstreamError:
    """Return the class that the first known word, else the status, stands for; UpstreamBroken without either."""
    found = next((_WORDS[word] for word in map(str.lower, words) if word in _WORDS), None)
    kind = found or _STATUSES.get(status or 0, UpstreamBroken)
    text = _OWN_MESSAGE.get(kind) or message[:MESSAGE_LIMIT] or "the provider reported an error"
    code = "CONTEXT_LENGTH_EXCEEDED" if "context_length_exceeded" in words else None
    return kind(text, provider_status=status, code=code)


def _words(error: Mapping[str, Any]) -> Iterator[str]:
    """Most telling first: a code says more than a type."""
    for name in ("code", "type", "status"):
        value = error.get(name)
        if isinstance(value, str):
            yield value


def _status(error: Mapping[str, Any]) -> int | None:
    for name in ("code", "status"):
        value = error.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599:
            return value
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
