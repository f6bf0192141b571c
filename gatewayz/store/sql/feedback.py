"""What users think of answers, on SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlmodel import Session

from gatewayz.store.feedback_records import Feedback, FeedbackChanges, FeedbackFilter, FeedbackTotals, NewFeedback
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.conversations import chat_feedback

__all__ = ["SqlFeedbackStore"]


class SqlFeedbackStore:
    """`gatewayz.domain.feedback.feedback.FeedbackStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: int, feedback: NewFeedback, now: datetime) -> Feedback:
        """Keep feedback."""
        values = {**_stored(msgspec.structs.asdict(feedback)), "user_id": user_id}
        statement = insert(chat_feedback).values(**values, created_at=now, updated_at=now).returning(chat_feedback)
        return await self._database.write(lambda session: _feedback(session.execute(statement).mappings().one()))

    async def list_feedback(
        self, user_id: int, filter: FeedbackFilter, *, offset: int, limit: int
    ) -> Sequence[Feedback]:
        """Return a user's feedback, newest first."""
        statement = (
            select(chat_feedback)
            .where(*_matching(user_id, filter))
            .order_by(chat_feedback.c.id.desc())
            .offset(offset)
            .limit(limit)
        )
        return await self._database.read(
            lambda session: [_feedback(row) for row in session.execute(statement).mappings()]
        )

    async def change(self, user_id: int, feedback_id: int, changes: FeedbackChanges, now: datetime) -> Feedback | None:
        """Change a user's feedback, None when there is none."""
        values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
        statement = update(chat_feedback).where(*_own(user_id, feedback_id)).values(**_stored(values), updated_at=now)

        def work(session: Session) -> Feedback | None:
            row = session.execute(statement.returning(chat_feedback)).mappings().one_or_none()
            return None if row is None else _feedback(row)

        return await self._database.write(work)

    async def remove(self, user_id: int, feedback_id: int) -> Feedback | None:
        """Forget a user's feedback and return it, None when there is none."""
        statement = delete(chat_feedback).where(*_own(user_id, feedback_id)).returning(chat_feedback)

        def work(session: Session) -> Feedback | None:
            row = session.execute(statement).mappings().one_or_none()
            return None if row is None else _feedback(row)

        return await self._database.write(work)

    async def totals(self, user_id: int, since: datetime, model: str | None) -> Sequence[FeedbackTotals]:
        """Return figures by model, those with most feedback first."""
        table = chat_feedback.c
        kinds = [
            func.count().filter(table.feedback_type == kind) for kind in ("thumbs_up", "thumbs_down", "regenerate")
        ]
        wanted = [table.user_id == user_id, table.created_at >= since]
        if model is not None:
            wanted.append(table.model == model)
        statement = (
            select(table.model, *kinds, func.count(table.rating), func.coalesce(func.sum(table.rating), 0))
            .where(*wanted)
            .group_by(table.model)
            .order_by(func.count().desc(), table.model)
        )

        def work(session: Session) -> list[FeedbackTotals]:
            return [
                FeedbackTotals(
                    model=name, thumbs_up=up, thumbs_down=down, regenerate=again, rated=rated, rating_sum=int(ratings)
                )
                for name, up, down, again, rated, ratings in session.execute(statement)
            ]

        return await self._database.read(work)


def _own(user_id: int, feedback_id: int) -> tuple[ColumnElement[bool], ...]:
    return chat_feedback.c.id == feedback_id, chat_feedback.c.user_id == user_id


def _matching(user_id: int, filter: FeedbackFilter) -> list[ColumnElement[bool]]:
    table = chat_feedback.c
    wanted = [table.user_id == user_id]
    for name in ("feedback_type", "session_id", "model"):
        if (value := getattr(filter, name)) is not None:
            wanted.append(table[name] == value)
    if filter.before is not None:
        wanted.append(table.id < filter.before)
    return wanted


def _stored(values: dict[str, Any]) -> dict[str, Any]:
    if values.get("metadata") is not None:
        values["metadata"] = msgspec.json.encode(values["metadata"]).decode()
    return values


def _feedback(row: Any) -> Feedback:
    values = {name: row[name] for name in Feedback.__struct_fields__}
    if values["metadata"] is not None:
        values["metadata"] = msgspec.json.decode(values["metadata"])
    return Feedback(**values)
