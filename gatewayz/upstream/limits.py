"""Bounds of the engine that are not times of one exchange."""

import msgspec

__all__ = ["Limits"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Per client. Kept connections live a little shorter than common load balancers keep theirs (60 s)."""

    max_connections: int = 1000
    """To one origin; further requests wait in line."""
    keep_alive_s: float = 50.0
    max_header_bytes: int = 64 * 1024
    """Of an answer's head, of its trailers, and of anything between two pieces of its body."""
    max_body_bytes: int = 1024 * 1024 * 1024
    """Of one answer, streamed or not."""
    max_unread_bytes: int = 256 * 1024
    """Received and not yet read; above it the socket is not read."""
    resolved_s: float = 30.0
    """How long a resolved name is used."""
