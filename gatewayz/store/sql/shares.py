"""Links to shared conversations on SQL."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlmodel import Session

from gatewayz.store.conversation_records import ChatMessage, ChatSession, KeptLimits
from gatewayz.store.share_records import NewShare, Share
from gatewayz.store.sql.conversations import fitting_count, own_session, row_as
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.conversations import chat_messages, chat_sessions, chat_shares

__all__ = ["SqlShareStore"]


class SqlShareStore:
    """`gatewayz.domain.sharing.sharing.ShareStore` on SQL."""

    def __init__(self, database: Database, limits: KeptLimits | None = None) -> None:
        self._database = database
        self._limits = limits or KeptLimits()

    async def add(self, share: NewShare, now: datetime) -> Share | None:
        """Keep a link to a user's session; None when there is no such session."""
        owned = select(chat_sessions.c.id).where(*own_session(share.user_id, share.session_id))
        values = msgspec.structs.asdict(share) | {"created_at": now, "view_count": 0, "is_active": True}
        statement = insert(chat_shares).values(**values).returning(chat_shares)

        def work(session: Session) -> Share | None:
            if session.execute(owned).first() is None:
                return None
            return row_as(Share, session.execute(statement).mappings().one())

        return await self._database.write(work)

    async def list_shares(self, user_id: int, *, before: int | None, offset: int, limit: int) -> Sequence[Share]:
        """Return a user's links that were not revoked, newest first."""
        statement = select(chat_shares).where(chat_shares.c.user_id == user_id, chat_shares.c.is_active)
        if before is not None:
            statement = statement.where(chat_shares.c.id < before)
        statement = statement.order_by(chat_shares.c.id.desc()).offset(offset).limit(limit)
        return await self._database.read(
            lambda session: [row_as(Share, row) for row in session.execute(statement).mappings()]
        )

    async def revoke_by_token(self, user_id: int, token_hash: bytes) -> bool:
        """End a user's link; False when there is none in force."""
        return await self._revoke(user_id, chat_shares.c.token_hash == token_hash)

    async def revoke(self, user_id: int, share_id: int) -> bool:
        """End a user's link; False when there is none in force."""
        return await self._revoke(user_id, chat_shares.c.id == share_id)

    async def view(self, token_hash: bytes, now: datetime, limit: int) -> tuple[ChatSession, list[ChatMessage]] | None:
        """Return the session of a link in force and that one's first messages, None for no such link.

        At most `limit` messages, and no more text than is read at once.
        """
        shares = chat_shares.c
        in_force = (shares.is_active, or_(shares.expires_at.is_(None), shares.expires_at > now))
        shown = select(chat_sessions).join(chat_shares, shares.session_id == chat_sessions.c.id)
        shown = shown.where(shares.token_hash == token_hash, *in_force, chat_sessions.c.is_active)

        def work(session: Session) -> tuple[ChatSession, list[ChatMessage]] | None:
            row = session.execute(shown).mappings().one_or_none()
            if row is None:
                return None
            found = row_as(ChatSession, row)
            messages = chat_messages.c
            first = select(messages.id, func.length(messages.content)).where(messages.session_id == found.id)
            sizes = list(session.execute(first.order_by(messages.id).limit(limit)))
            count = fitting_count([size for _, size in sizes], self._limits.read_characters)
            if not count:
                return found, []
            said = select(chat_messages).where(messages.session_id == found.id, messages.id <= sizes[count - 1][0])
            rows = session.execute(said.order_by(messages.id)).mappings()
            return found, [row_as(ChatMessage, each) for each in rows]

        return await self._database.read(work)

    async def count_view(self, token_hash: bytes, now: datetime) -> None:
        """Count a view of a link."""
        shares = chat_shares.c
        counted = update(chat_shares).where(shares.token_hash == token_hash)
        counted = counted.values(view_count=shares.view_count + 1, last_viewed_at=now)
        await self._database.write(lambda session: session.execute(counted), durable=False)

    async def _revoke(self, user_id: int, wanted: ColumnElement[bool]) -> bool:
        statement = update(chat_shares).where(wanted, chat_shares.c.user_id == user_id, chat_shares.c.is_active)
        revoked = statement.values(is_active=False).returning(chat_shares.c.id)
        return await self._database.write(lambda session: session.execute(revoked).first() is not None)
