"""Bedrock's exceptions by name, in streams and in the `x-amzn-errortype` header alike.

Source: AWS, Bedrock API reference "ConverseStream", errors; user guide "Troubleshooting API error codes" (2026-11).
"""

from collections.abc import Mapping
from typing import Final

from gatewayz.dialects.upstream_errors import MESSAGE_LIMIT
from gatewayz.sdk.errors import (
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)

__all__ = ["error_from_exception"]

_KINDS: Final[Mapping[str, tuple[type[UpstreamError], int]]] = {
    "accessdenied": (UpstreamAuthFailed, 403),
    "unrecognizedclient": (UpstreamAuthFailed, 403),
    "invalidsignature": (UpstreamAuthFailed, 403),
    "expiredtoken": (UpstreamAuthFailed, 403),
    "resourcenotfound": (UpstreamModelMissing, 404),
    "throttling": (UpstreamRateLimited, 429),
    "servicequotaexceeded": (UpstreamRateLimited, 429),
    "toomanyrequests": (UpstreamRateLimited, 429),
    "validation": (UpstreamRejected, 400),
    "serviceunavailable": (UpstreamOverloaded, 503),
    "modelnotready": (UpstreamOverloaded, 429),
    "modeltimeout": (UpstreamTimeout, 408),
    "internalserver": (UpstreamBroken, 500),
    "modelerror": (UpstreamBroken, 424),
    "modelstreamerror": (UpstreamBroken, 424),
}


def error_from_exception(name: str, message: str) -> UpstreamError:
    """Return the error for an exception's name (`throttlingException`, `ThrottlingException:http://...`).

    An unknown name is UpstreamBroken.
    """
    short = name.partition(":")[0].rpartition("#")[2].lower().removesuffix("exception")
    kind, status = _KINDS.get(short, (UpstreamBroken, None))
    text = message[:MESSAGE_LIMIT] or f"the provider reported {short or 'an error'}"
    if kind is UpstreamTimeout:
        return UpstreamTimeout(text, phase="total", provider_status=status)
    if kind is UpstreamAuthFailed:
        text = "the provider refused the gateway's credential"
    return kind(text, provider_status=status)
