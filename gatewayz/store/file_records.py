"""Files of users, as the store keeps them."""

from datetime import datetime

import msgspec

__all__ = ["NewFile", "StoredFile"]


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose content is about to come."""

    public_id: str
    """What its owner calls it: `file-` and 24 hexadecimal digits."""
    user_id: int
    filename: str
    purpose: str


class StoredFile(NewFile, frozen=True, kw_only=True):
    """A file."""

    id: int
    bytes: int
    is_ready: bool
    """Whether all of its content has come; nobody sees it before."""
    created_at: datetime
    expires_at: datetime | None
