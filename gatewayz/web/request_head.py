"""What every route reads from a request's headers, in one pass."""

import re
from collections.abc import Iterable
from random import getrandbits
from typing import Final

import msgspec

from gatewayz.sdk.wire import Headers

__all__ = ["RequestHead", "new_request_id", "read_head"]

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_FORMAT_HEADERS: Final = frozenset((b"anthropic-beta", b"anthropic-version", b"openai-beta"))
_MAX_FORMAT_HEADER: Final = 1024


class RequestHead(msgspec.Struct, kw_only=True):
    """Header facts; `credential` is the key as sent, from either header."""

    request_id: str = ""
    """The caller's own id when it sent a usable one, else empty until one is made."""
    is_caller_id: bool = False
    """The caller named this one call (`X-Request-ID`): a repeat is the same call."""
    booking_id: str = ""
    """What the call is booked under. A correlation id may stand over several calls, so each gets an id of its own."""
    credential: bytes | None = None
    content_type: bytes = b""
    content_encoding: bytes = b""
    content_length: int | None = None
    idempotency_key: bytes | None = None
    origin: bytes | None = None
    referrer: str | None = None
    """`origin`, else `referer`: the page that calls."""
    forwarded_for: bytes | None = None
    cache_control: bytes = b""
    app_title: bytes | None = None
    app_url: bytes | None = None
    """`X-Title` and `HTTP-Referer`: the application that the caller names."""
    format_headers: Headers = ()
    """Headers that are part of a call in some wire format."""


def new_request_id() -> str:
    """Return `req_` and twelve hexadecimal digits; no secret, so cheap randomness will do. Source: spec 00 §1."""
    return f"req_{getrandbits(48):012x}"


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> RequestHead:
    """Return the facts of an ASGI header list (names in lower case).

    `Authorization` wins over `x-api-key` when both are there; a scheme other than Bearer is no key.
    """
    head = RequestHead()
    api_key: bytes | None = None
    correlation: bytes | None = None
    formats: list[tuple[bytes, bytes]] = []
    for name, value in headers:
        match name:
            case b"authorization":
                scheme, _, key = value.partition(b" ")
                if scheme.lower() == b"bearer" and (key := key.strip()):
                    head.credential = key
            case b"x-api-key":
                api_key = value.strip() or None
            case b"content-type":
                head.content_type = value
            case b"content-encoding":
                head.content_encoding = value.strip().lower()
            case b"content-length":
                head.content_length = int(value) if value.isdigit() and len(value) < 19 else None
            case b"x-request-id":
                head.request_id = _usable_id(value)
            case b"x-correlation-id":
                correlation = value
            case b"idempotency-key":
                head.idempotency_key = value
            case b"origin":
                head.origin = value
            case b"referer":
                head.referrer = value.decode("latin-1")
            case b"cache-control":
                head.cache_control = value
            case b"http-referer":
                head.app_url = value
            case b"x-title":
                head.app_title = value
            case b"x-forwarded-for":
                head.forwarded_for = value
            case _ if name in _FORMAT_HEADERS and len(value) <= _MAX_FORMAT_HEADER:
                formats.append((name, value))
            case _:
                pass
    head.credential = head.credential or api_key
    head.is_caller_id = bool(head.request_id)
    if not head.request_id and correlation is not None and (shared := _usable_id(correlation)):
        head.request_id = shared
        head.booking_id = f"{shared}.{getrandbits(32):08x}"
    head.request_id = head.request_id or new_request_id()
    head.booking_id = head.booking_id or head.request_id
    if head.origin is not None:
        head.referrer = head.origin.decode("latin-1")
    head.format_headers = formats
    return head


def _usable_id(value: bytes) -> str:
    """Return a caller's id with the `req_` prefix, empty when it is not of the allowed form."""
    if not _REQUEST_ID.fullmatch(value):
        return ""
    text = value.decode("ascii")
    return text if text.startswith("req_") else "req_" + text
