"""Full-text search over sessions: FTS5 on SQLite, tsvector on PostgreSQL.

What a user typed is only ever a quoted string of either query language, so none of it is an operator.
Source: sqlite.org/fts5.html §3; PostgreSQL 18, §12.3 and §8.11.2 (read 2026-11-25).
"""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Select, column, func, literal, literal_column, select, table, union
from sqlalchemy.sql.expression import ColumnElement, TableClause
from sqlmodel import Session

from gatewayz.store.conversation_records import ChatSession, FoundText, MatchMarks, TextQuery
from gatewayz.store.sql.conversations import row_as
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.conversations import chat_messages, chat_sessions

__all__ = ["SqlConversationSearch", "fts5_query", "tsquery"]

_EXCERPT_WORDS = 24
_SHOWN = 3
"""Messages that are shown of one session at most."""
_EXCERPTED_CHARACTERS = 150_000
"""What is indexed of a text on PostgreSQL."""


class _Words(Protocol):
    """One database's full-text search, over a table that has it."""

    def matches(self, searched: Any, text: str) -> Select[Any]:
        """Return the ids of the rows of a table whose text matches."""
        ...

    def excerpts(self, searched: Any, text: str, ids: Sequence[int]) -> Select[Any]:
        """Return (id, excerpt) of such rows."""
        ...


class SqlConversationSearch:
    """Finds sessions by their titles and what was said in them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._words: _Words = _Fts5() if database.dialect == "sqlite" else _TsVector()

    async def search(
        self, user_id: int, query: TextQuery, *, before: int | None, limit: int
    ) -> tuple[list[ChatSession], list[FoundText]]:
        """Return a user's sessions with ids below `before` in which all terms occur, newest first, and where they do.

        All terms are in one title, or in one message.
        """
        text = fts5_query(query) if self._database.dialect == "sqlite" else tsquery(query)
        page = self._page(user_id, text, before, limit)

        def work(session: Session) -> tuple[list[ChatSession], list[FoundText]]:
            found = [row_as(ChatSession, row) for row in session.execute(page).mappings()]
            ids = [each.id for each in found]
            return found, [*self._titles(session, text, ids), *self._messages(session, text, ids)] if ids else []

        return await self._database.read(work)

    def _page(self, user_id: int, text: str, before: int | None, limit: int) -> Select[Any]:
        said = self._words.matches(chat_messages, text).subquery()
        in_messages = select(chat_messages.c.session_id).where(chat_messages.c.id.in_(select(said.c.id)))
        found = union(in_messages, self._words.matches(chat_sessions, text)).subquery()
        sessions = chat_sessions.c
        page = select(chat_sessions).where(
            sessions.user_id == user_id, sessions.is_active, sessions.id.in_(select(found.c[0]))
        )
        if before is not None:
            page = page.where(sessions.id < before)
        return page.order_by(sessions.id.desc()).limit(limit)

    def _titles(self, session: Session, text: str, ids: Sequence[int]) -> list[FoundText]:
        rows = session.execute(self._words.excerpts(chat_sessions, text, ids))
        return [
            FoundText(where="title", session_id=row_id, message_id=None, role=None, excerpt=excerpt)
            for row_id, excerpt in rows
        ]

    def _messages(self, session: Session, text: str, ids: Sequence[int]) -> list[FoundText]:
        """Return the newest matching messages of each session, newest first."""
        messages = chat_messages.c
        place = func.row_number().over(partition_by=messages.session_id, order_by=messages.id.desc())
        said = self._words.matches(chat_messages, text).subquery()
        ranked = (
            select(messages.id, messages.session_id, messages.role, place.label("place"))
            .where(messages.session_id.in_(ids), messages.id.in_(select(said.c.id)))
            .subquery()
        )
        statement = select(ranked).where(ranked.c.place <= _SHOWN).order_by(ranked.c.id.desc())
        rows = list(session.execute(statement).mappings())
        if not rows:
            return []
        shown = self._words.excerpts(chat_messages, text, [row["id"] for row in rows])
        excerpts = {row_id: excerpt for row_id, excerpt in session.execute(shown)}
        return [
            FoundText(
                where="message",
                session_id=row["session_id"],
                message_id=row["id"],
                role=row["role"],
                excerpt=excerpts[row["id"]],
            )
            for row in rows
        ]


def fts5_query(query: TextQuery) -> str:
    """Return the terms as FTS5 strings, a quote in them doubled."""
    quoted = ['"' + term.replace('"', '""') + '"' for term in query.terms]
    return " AND ".join(quoted) + (" *" if query.is_open else "")


def tsquery(query: TextQuery) -> str:
    """Return the terms as quoted text of a tsquery, quotes and backslashes in them doubled."""
    quoted = ["'" + term.replace("\\", "\\\\").replace("'", "''") + "'" for term in query.terms]
    return " & ".join(quoted) + (":*" if query.is_open else "")


def _text_column(searched: Any) -> Any:
    return searched.c.title if searched is chat_sessions else searched.c.content


class _Fts5:
    def matches(self, searched: Any, text: str) -> Select[Any]:
        index = _index(searched)
        return select(index.c.rowid.label("id")).where(_matches(index, text))

    def excerpts(self, searched: Any, text: str, ids: Sequence[int]) -> Select[Any]:
        index = _index(searched)
        marks = MatchMarks()
        name: ColumnElement[Any] = literal_column(index.name)
        excerpt = func.snippet(name, 0, marks.before, marks.after, "…", _EXCERPT_WORDS)
        return select(index.c.rowid, excerpt).where(_matches(index, text), index.c.rowid.in_(ids))


def _index(searched: Any) -> TableClause:
    return table(f"{searched.name}_fts", column("rowid"))


def _matches(index: TableClause, text: str) -> ColumnElement[bool]:
    return literal_column(index.name).op("MATCH", is_comparison=True)(literal(text))


class _TsVector:
    def matches(self, searched: Any, text: str) -> Select[Any]:
        return select(searched.c.id).where(_has(searched, text))

    def excerpts(self, searched: Any, text: str, ids: Sequence[int]) -> Select[Any]:
        marks = MatchMarks()
        options = (
            f'StartSel="{marks.before}", StopSel="{marks.after}", MaxFragments=1, FragmentDelimiter="…", '
            f"MaxWords={_EXCERPT_WORDS}, MinWords=8"
        )
        shown = func.left(_text_column(searched), _EXCERPTED_CHARACTERS)
        excerpt = func.ts_headline(_SIMPLE, shown, _query(text), options)
        return select(searched.c.id, excerpt).where(searched.c.id.in_(ids)).where(_has(searched, text))


def _has(searched: Any, text: str) -> ColumnElement[bool]:
    vector: ColumnElement[Any] = literal_column(f"{searched.name}.search_vector")
    return vector.op("@@", is_comparison=True)(_query(text))


_SIMPLE: ColumnElement[Any] = literal_column("'simple'::regconfig")


def _query(text: str) -> ColumnElement[Any]:
    return func.to_tsquery(_SIMPLE, text)
