"""Which browser origins may call, by exact match."""

from collections.abc import Iterable
from typing import Final

from gatewayz.web.asgi import HeaderList

__all__ = ["Cors"]

_METHODS: Final = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
_EXPOSED: Final = (
    b"x-request-id, request-id, x-provider, x-model, x-session-history, x-session-history-dropped, x-web-search, "
    b"x-web-search-results, x-web-search-error, retry-after"
)


class Cors:
    """Answers for the configured origins. Source: spec 00 §1 layer 5."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes | None) -> HeaderList:
        """Return the headers of an ordinary answer; none for an origin that is not allowed."""
        if origin is None or origin not in self._origins:
            return []
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"origin"),
        ]

    def preflight(self, origin: bytes | None, asked_headers: bytes | None) -> HeaderList:
        """Return the headers of an OPTIONS answer."""
        allowed = self.headers(origin)
        if allowed:
            allowed += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", asked_headers or b"authorization, content-type, x-api-key"),
                (b"access-control-max-age", b"600"),
            ]
        return allowed
