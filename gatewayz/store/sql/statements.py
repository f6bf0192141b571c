"""Statements written by hand, for the two paths every request pays for: the ledger and the usage log.

A unit of statements is a plain function too (`Database.run`), without a session around it: the ORM
costs 50 microseconds a statement, which is more than SQLite itself takes.
Source: docs/decisions/0061-hand-written-statements.md (measured).
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, Protocol, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from gatewayz.sdk.errors import GatewayzError

__all__ = ["ConnectionStatements", "Marks", "Refused", "SqliteStatements", "StatementWork", "Statements"]

T = TypeVar("T")
Marks = Literal["?", "$n"]
"""How parameters are marked."""
Reason = Literal["duplicate", "reference", "rule"]
_SQLITE_REASONS: Final[dict[int, Reason]] = {
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "duplicate",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "duplicate",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "duplicate",
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "reference",
}
_POSTGRES_REASONS: Final[dict[str, Reason]] = {"23505": "duplicate", "23503": "reference"}


class Refused(GatewayzError):
    """A constraint of the database refused a statement; nothing of the unit is kept."""

    default_code = "DATABASE_ERROR"

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


class Statements(Protocol):
    """A transaction under way. Each method raises Refused, or what the driver raises."""

    @property
    def marks(self) -> Marks:
        """How parameters are marked."""
        ...

    def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Return what a query finds."""
        ...

    def change(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement that changes rows; return how many."""
        ...


StatementWork = Callable[[Statements], T]


class SqliteStatements:
    """Straight on the driver."""

    __slots__ = ("_cursor",)
    marks: Marks = "?"

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Return what a query finds."""
        return self._cursor.execute(sql, parameters).fetchall()

    def change(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement that changes rows; return how many."""
        try:
            return self._cursor.execute(sql, parameters).rowcount
        except sqlite3.IntegrityError as err:
            raise Refused(str(err), _SQLITE_REASONS.get(err.sqlite_errorcode, "rule")) from err


class ConnectionStatements:
    """On a connection of SQLAlchemy, which brings asyncpg's calls to synchronous code."""

    __slots__ = ("_connection",)
    marks: Marks = "$n"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Return what a query finds."""
        return self._connection.exec_driver_sql(sql, tuple(parameters)).fetchall()

    def change(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement that changes rows; return how many."""
        try:
            return self._connection.exec_driver_sql(sql, tuple(parameters)).rowcount
        except IntegrityError as err:
            state: str = getattr(err.orig, "sqlstate", None) or ""
            raise Refused(str(err.orig), _POSTGRES_REASONS.get(state, "rule")) from err
