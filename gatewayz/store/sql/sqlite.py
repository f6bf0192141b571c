"""SQLite: one writer thread, a few reader threads, write-ahead logging.

Synchronous connections in threads of their own: one hand-over for each unit instead of one for
each statement. Source: docs/decisions/0060-units-of-work.md (measured).
"""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

from gatewayz.store.sql.database import Dialect, ShieldedTasks, Work, as_unavailable
from gatewayz.store.sql.statements import SqliteStatements, StatementWork

__all__ = ["SqliteDatabase", "create_file", "sqlite_engine"]

T = TypeVar("T")
READERS: Final = 4
PREPARED: Final = 256
"""Statements kept prepared for the ledger and the usage log."""
WRITER_PRAGMAS: Final = {"cache_size": "-8192", "wal_autocheckpoint": "4000"}
"""Eight MiB of pages, so that index leaves are found in memory; a checkpoint for each 16 MiB of log."""
BUSY_TIMEOUT_MS: Final = 5_000
"""How long a statement waits for another process's transaction."""


def sqlite_engine(url: URL, *, begin: str, pragmas: dict[str, str], pool_size: int = 1) -> Engine:
    """Return an engine whose transactions start with `begin` and whose connections have `pragmas` set."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would be deferred
        set_pragmas(connection, pragmas)

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connect)
    event.listen(engine, "begin", start)
    return engine


def set_pragmas(connection: sqlite3.Connection, pragmas: Mapping[str, str]) -> None:
    """Set what SQLite keeps for each connection; the names and values are ours."""
    cursor = connection.cursor()
    for name, value in pragmas.items():
        if name == "journal_mode":
            _set_journal_mode(cursor, value)
        else:
            cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


def _set_journal_mode(cursor: sqlite3.Cursor, mode: str) -> None:
    """Set it, waiting for others: this one statement does not wait by itself, whatever `busy_timeout` says."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute(f"PRAGMA journal_mode={mode}")
            return
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.01)


def create_file(path: Path) -> None:
    """Make folder and file, readable by their owner only: the file holds addresses and ciphertext.

    A file that exists is not opened. POSIX locks belong to the process: closing any descriptor of the file
    drops the locks of every SQLite connection in it, and another process may then take the log from under them.
    Source: sqlite.org/howtocorrupt.html, section 2.2.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


class SqliteDatabase:
    """A database file."""

    dialect: Dialect = "sqlite"
    timeout_s: Final[float] = BUSY_TIMEOUT_MS / 1000

    def __init__(self, url: URL) -> None:
        self._path = Path(url.database or "")
        pragmas = {"busy_timeout": str(BUSY_TIMEOUT_MS), "journal_mode": "WAL", "foreign_keys": "ON"}
        # Money waits for the disk, reports do not: docs/decisions/0061-hand-written-statements.md
        self._durable = sqlite_engine(url, begin="BEGIN IMMEDIATE", pragmas={**pragmas, "synchronous": "FULL"})
        self._relaxed = sqlite_engine(url, begin="BEGIN IMMEDIATE", pragmas={**pragmas, "synchronous": "NORMAL"})
        self._reader = sqlite_engine(url, begin="BEGIN", pragmas={**pragmas, "query_only": "ON"}, pool_size=READERS)
        self._writing = ThreadPoolExecutor(1, "gatewayz-sqlite-write")
        self._reading = ThreadPoolExecutor(READERS, "gatewayz-sqlite-read")
        self._pragmas = pragmas
        self._driver_connections: dict[bool, sqlite3.Connection] = {}
        self._tasks = ShieldedTasks()
        self._is_present = False

    async def read(self, work: Work[T]) -> T:
        """Run a unit that only reads, on one snapshot."""
        return await self._tasks.run(self._in_thread(self._reading, self._reader, work))

    async def write(self, work: Work[T], *, durable: bool = True) -> T:
        """Run a unit that writes, alone, after those asked for before it."""
        engine = self._durable if durable else self._relaxed
        return await self._tasks.run(self._in_thread(self._writing, engine, work))

    async def run(self, work: StatementWork[T], *, durable: bool = True) -> T:
        """Run a unit of hand-written statements, alone, after the writing units asked for before it."""
        loop = asyncio.get_running_loop()

        async def in_thread() -> T:
            return await loop.run_in_executor(self._writing, self._run_statements, work, durable)

        return await self._tasks.run(in_thread())

    async def _in_thread(self, threads: ThreadPoolExecutor, engine: Engine, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, self._run, engine, work)

    def _run_statements(self, work: StatementWork[T], durable: bool) -> T:
        try:
            connection = self._driver_connection(durable)
            cursor = connection.cursor()
            try:
                cursor.execute("BEGIN IMMEDIATE")
                result = work(SqliteStatements(cursor))
                cursor.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.rollback()
                cursor.close()
        except (sqlite3.Error, OSError) as err:
            if (unavailable := as_unavailable(err)) is not None:
                raise unavailable from err
            raise
        return result

    def _driver_connection(self, durable: bool) -> sqlite3.Connection:
        """Return this database's connection without SQLAlchemy around it; used by the writer thread only."""
        if (connection := self._driver_connections.get(durable)) is None:
            create_file(self._path)
            connection = sqlite3.connect(
                self._path,
                timeout=BUSY_TIMEOUT_MS / 1000,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=PREPARED,
            )
            synchronous = "FULL" if durable else "NORMAL"
            set_pragmas(connection, self._pragmas | WRITER_PRAGMAS | {"synchronous": synchronous})
            self._driver_connections[durable] = connection
        return connection

    def _run(self, engine: Engine, work: Work[T]) -> T:
        try:
            if not self._is_present:
                create_file(self._path)
                self._is_present = True
            with Session(engine, expire_on_commit=False) as session, session.begin():
                return work(session)
        except (SQLAlchemyError, OSError) as err:
            if (unavailable := as_unavailable(err)) is not None:
                raise unavailable from err
            raise

    async def aclose(self) -> None:
        """Wait for running units, then close every connection."""
        await self._tasks.drain()
        self._writing.shutdown()
        self._reading.shutdown()
        for connection in self._driver_connections.values():
            connection.close()
        self._driver_connections.clear()
        for engine in (self._reader, self._relaxed, self._durable):
            engine.dispose()
