"""The rules of links to conversations. Source: spec 01 §8; docs/decisions/0167-links-are-hashed.md."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final, Protocol

from gatewayz.domain.conversations.conversations import session_missing
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ResourceNotFound, SchemaInvalid
from gatewayz.store.conversation_records import ChatMessage, ChatSession
from gatewayz.store.share_records import NewShare, Share

__all__ = ["ShareStore", "Sharing"]

_TOKEN_BYTES: Final = 32
_HINT_CHARACTERS: Final = 6
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""What `token_urlsafe` makes of so many bytes."""
_SHOWN_MESSAGES: Final = 1_000
"""What a link shows of a conversation, from its beginning."""
_LARGEST_ID: Final = 2**53


class ShareStore(Protocol):
    """What is needed of the store. Every method raises StoreUnavailable."""

    async def add(self, share: NewShare, now: datetime) -> Share | None:
        """Keep a link to a user's session; None when there is no such session."""
        ...

    async def list_shares(self, user_id: int, *, before: int | None, offset: int, limit: int) -> Sequence[Share]:
        """Return a user's links that were not revoked, newest first."""
        ...

    async def revoke_by_token(self, user_id: int, token_hash: bytes) -> bool:
        """End a user's link; False when there is none in force."""
        ...

    async def revoke(self, user_id: int, share_id: int) -> bool:
        """End a user's link; False when there is none in force."""
        ...

    async def view(self, token_hash: bytes, now: datetime, limit: int) -> tuple[ChatSession, list[ChatMessage]] | None:
        """Return what a link in force shows, None for no such link."""
        ...

    async def count_view(self, token_hash: bytes, now: datetime) -> None:
        """Count a view of a link."""
        ...


class Sharing:
    """The service.

    :param new_token: draws a token of so many random bytes.
    """

    def __init__(self, store: ShareStore, clock: Clock, new_token: Callable[[int], str] = token_urlsafe) -> None:
        self._store = store
        self._clock = clock
        self._new_token = new_token

    async def create(self, user_id: int, session_id: int, expires_at: datetime | None) -> tuple[Share, str]:
        """Return a new link to a session, and its token, which cannot be had again.

        Raises ResourceNotFound for a session that is not the user's, SchemaInvalid for a moment that is past.
        """
        now = self._clock.now()
        if expires_at is not None and expires_at <= now:
            raise SchemaInvalid("expires_at is in the past.", param="expires_at")
        token = self._new_token(_TOKEN_BYTES)
        share = NewShare(
            session_id=session_id,
            user_id=user_id,
            token_hash=_hash(token),
            token_hint=token[:_HINT_CHARACTERS],
            expires_at=expires_at,
        )
        kept = await self._store.add(share, now)
        if kept is None:
            raise session_missing()
        return kept, token

    async def list_shares(self, user_id: int, *, before: int | None, offset: int, limit: int) -> Sequence[Share]:
        """Return links that were not revoked, newest first."""
        return await self._store.list_shares(user_id, before=before, offset=offset, limit=limit)

    async def revoke(self, user_id: int, named: str) -> None:
        """End a link, named by its token, or by its id for who has lost the token. Raises ResourceNotFound."""
        is_revoked = _TOKEN.fullmatch(named) is not None and await self._store.revoke_by_token(user_id, _hash(named))
        if not is_revoked and named.isascii() and named.isdigit() and len(named) < 17 and int(named) < _LARGEST_ID:
            is_revoked = await self._store.revoke(user_id, int(named))
        if not is_revoked:
            raise _missing()

    async def view(self, token: str) -> tuple[ChatSession, list[ChatMessage]]:
        """Count a view; return the session and its first messages.

        Raises ResourceNotFound, alike for a link that is unknown, expired or revoked or whose session is deleted.
        """
        if _TOKEN.fullmatch(token) is None:
            raise _missing()
        token_hash, now = _hash(token), self._clock.now()
        shown = await self._store.view(token_hash, now, _SHOWN_MESSAGES)
        if shown is None:
            raise _missing()
        await self._store.count_view(token_hash, now)
        return shown


def _hash(token: str) -> bytes:
    return sha256(token.encode("utf-8", "replace")).digest()


def _missing() -> ResourceNotFound:
    return ResourceNotFound("There is no such link, or it is no longer valid.", code="SHARE_NOT_FOUND", param="token")
