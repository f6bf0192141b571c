"""The feed that tells every process whose identity changed."""

from datetime import datetime
from typing import Final

from sqlalchemy import delete, update
from sqlmodel import Session, col

from gatewayz.store.sql.tables.accounts import IdentityChangeRow, RevisionRow

__all__ = ["EVERYBODY", "FEED_LENGTH", "announce"]

FEED_LENGTH: Final = 10_000
"""Changes kept; a process further behind forgets everybody."""
EVERYBODY: Final = 0
"""In place of a user: all of them are to be read again."""


def announce(session: Session, user_id: int, reason: str, now: datetime) -> None:
    """Add to the feed, in the transaction of the change itself.

    The counter's row lock is held to the commit, so that revisions become visible in their order.
    """
    revision = session.scalars(
        update(RevisionRow)
        .where(col(RevisionRow.name) == "identity")
        .values(value=RevisionRow.value + 1)
        .returning(col(RevisionRow.value))
    ).one()
    session.add(IdentityChangeRow(revision=revision, user_id=user_id, reason=reason, created_at=now))
    session.execute(delete(IdentityChangeRow).where(col(IdentityChangeRow.revision) <= revision - FEED_LENGTH))
