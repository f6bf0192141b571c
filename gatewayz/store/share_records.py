"""Links to shared conversations as the store keeps them: of the token only a hash and its beginning."""

from datetime import datetime

import msgspec

__all__ = ["NewShare", "Share"]


class NewShare(msgspec.Struct, frozen=True, kw_only=True):
    """A link to be kept."""

    session_id: int
    user_id: int
    token_hash: bytes
    """SHA-256 of the token."""
    token_hint: str
    """The first characters of the token, to tell links apart."""
    expires_at: datetime | None


class Share(NewShare, frozen=True, kw_only=True):
    """A link."""

    id: int
    created_at: datetime
    view_count: int
    last_viewed_at: datetime | None
    is_active: bool
    """False once it was revoked."""
