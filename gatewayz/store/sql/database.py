"""One door to either database: units of work as plain functions of a session.

A unit is ordinary synchronous code; the database decides where it runs: in a thread of its own
(SQLite) or on the event loop (PostgreSQL by asyncpg). It runs to its end even if the request that
asked for it is cancelled, in one transaction, committed when it returns, rolled back when it raises.
Source: docs/decisions/0060-units-of-work.md.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from gatewayz.sdk.errors import ConfigurationError, StoreUnavailable
from gatewayz.store.sql.statements import StatementWork

__all__ = [
    "Database",
    "Dialect",
    "ShieldedTasks",
    "Work",
    "as_unavailable",
    "is_duplicate",
    "open_database",
    "parse_url",
]

T = TypeVar("T")
Work = Callable[[Session], T]
"""A unit of work. It may run twice (PostgreSQL: after a deadlock), so its only effects are in the session."""
Dialect = Literal["sqlite", "postgresql"]
RETRY_AFTER_S = 5.0
UNREACHABLE_STATES = ("08", "53", "57P", "55P03")
"""SQLSTATE prefixes: connection, resources, shutdown, lock not available. Source: PostgreSQL 18, appendix A."""
UNUSABLE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""Primary result codes of SQLite that no statement of ours can be blamed for."""
UNIQUE_VIOLATION = "23505"
DUPLICATE_CODES = frozenset(
    {sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_ROWID}
)

logger = logging.getLogger("gatewayz.store")


class Database(Protocol):
    """Runs units of work. Both raise StoreUnavailable when the database does not answer in time."""

    @property
    def dialect(self) -> Dialect:
        """Which words of SQL it speaks."""
        ...

    @property
    def timeout_s(self) -> float:
        """How long a unit waits for the database before it is given up."""
        ...

    async def read(self, work: Work[T]) -> T:
        """Run a unit that only reads, on one snapshot."""
        ...

    async def write(self, work: Work[T], *, durable: bool = True) -> T:
        """Run a unit that writes; on SQLite no other writer runs beside it.

        `durable`: the commit has reached the disk, not only the operating system, on return.
        """
        ...

    async def run(self, work: StatementWork[T], *, durable: bool = True) -> T:
        """Run a unit of hand-written statements, otherwise as `write`. Also raises Refused."""
        ...

    async def aclose(self) -> None:
        """Wait for running units, then close every connection."""
        ...


def parse_url(url: str) -> URL:
    """Return the URL with the driver this package uses. Raises ConfigurationError for other databases."""
    try:
        parsed = make_url(url)
    except ArgumentError as err:
        raise ConfigurationError("store.url is not a database URL") from err
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
            raise ConfigurationError("store.url: SQLite needs a file, such as sqlite:///var/gatewayz.db")
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    raise ConfigurationError(f"store.url: {backend!r} is not supported; use sqlite or postgresql")


def open_database(url: str, *, pool_size: int = 10) -> Database:
    """Return the database at `url`; nothing is connected before the first unit.

    Raises ConfigurationError for a URL that cannot be used.
    """
    parsed = parse_url(url)
    # Only the driver in use is imported.
    if parsed.get_backend_name() == "sqlite":
        from gatewayz.store.sql.sqlite import SqliteDatabase  # noqa: PLC0415

        return SqliteDatabase(parsed)
    from gatewayz.store.sql.postgres import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(parsed, pool_size=pool_size)


def as_unavailable(err: BaseException) -> StoreUnavailable | None:
    """Return what a caller is told when `err` means that the database cannot be had, else None."""
    if isinstance(err, PoolTimeout | OSError | TimeoutError) or _is_lost(err):
        return StoreUnavailable("The database does not answer.", retry_after_s=RETRY_AFTER_S)
    return None


def _is_lost(err: BaseException) -> bool:
    if isinstance(err, sqlite3.Error):
        return _is_unusable(err)
    if not isinstance(err, DBAPIError):
        return False
    if err.connection_invalidated:
        return True
    state: str | None = getattr(err.orig, "sqlstate", None)
    if state is not None:
        return state.startswith(UNREACHABLE_STATES)
    if isinstance(err.orig, sqlite3.Error):
        return _is_unusable(err.orig)
    # The driver itself refuses: its connection is gone, unless it says that a value of ours is wrong.
    return isinstance(err, InterfaceError) and not isinstance(getattr(err.orig, "__cause__", None), ValueError)


def _is_unusable(err: sqlite3.Error) -> bool:
    code: int | None = getattr(err, "sqlite_errorcode", None)  # absent for mistakes the driver itself finds
    return code is not None and code & 0xFF in UNUSABLE_CODES  # the low byte is the primary code


def is_duplicate(err: IntegrityError) -> bool:
    """Return whether a unique key is taken, rather than another constraint broken."""
    code: int | None = getattr(err.orig, "sqlite_errorcode", None)
    return code in DUPLICATE_CODES or getattr(err.orig, "sqlstate", None) == UNIQUE_VIOLATION


class ShieldedTasks:
    """Tasks that outlive the request that waits for them."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of `work`, which goes on when the waiting task is cancelled."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                task.add_done_callback(_report)
            raise

    async def drain(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait(tuple(self._running))


def _report(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (err := task.exception()) is not None:
        logger.error("a unit of work failed after its request had left: %s", type(err).__name__, exc_info=err)
