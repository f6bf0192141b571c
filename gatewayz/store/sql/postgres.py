"""PostgreSQL by asyncpg."""

import asyncio
from typing import Any, Final, Generic, TypeVar, cast

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Session as SqlAlchemySession
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.store.sql.database import Dialect, ShieldedTasks, Work, as_unavailable
from gatewayz.store.sql.statements import ConnectionStatements, StatementWork

__all__ = ["PostgresDatabase", "postgres_engine"]

T = TypeVar("T")
CONNECT_TIMEOUT_S: Final = 5.0
UNIT_TIMEOUT_S: Final = 10.0
ATTEMPTS: Final = 4
RETRY_STATES: Final = frozenset({"40001", "40P01"})
"""Serialisation failure and deadlock: the unit had no effect and is run again."""


def postgres_engine(url: URL, *, pool_size: int) -> AsyncEngine:
    """Return an engine. Raises ConfigurationError when asyncpg is not installed."""
    try:
        return create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_TIMEOUT_S,
            pool_pre_ping=False,
            pool_recycle=1800,
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "command_timeout": UNIT_TIMEOUT_S,
                "async_creator_fn": _connect,
                "server_settings": {"application_name": "gatewayz"},
            },
        )
    except ModuleNotFoundError as err:
        raise ConfigurationError("store.url names PostgreSQL: install gatewayz[postgres]") from err


async def _connect(*arguments: Any, **options: Any) -> Any:
    """Return a connection of asyncpg. Raises OSError, also when it is the server who says no.

    SQLAlchemy wraps errors of statements, not those of connecting: a server that is starting up, shutting down or
    full would look like a mistake of ours.
    """
    import asyncpg  # type: ignore[import-untyped]  # noqa: PLC0415  (an extra: loaded only where it is used)

    try:
        return await asyncpg.connect(*arguments, **options)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as err:
        raise ConnectionError(f"PostgreSQL does not let us in: {err}") from err


class PostgresDatabase:
    """A PostgreSQL database; units run on the event loop, their statements on pooled connections."""

    dialect: Dialect = "postgresql"
    timeout_s: Final[float] = UNIT_TIMEOUT_S

    def __init__(self, url: URL, *, pool_size: int) -> None:
        self._writer = postgres_engine(url, pool_size=pool_size)
        self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._tasks = ShieldedTasks()

    async def read(self, work: Work[T]) -> T:
        """Run a unit that only reads, on one snapshot."""
        return await self._tasks.run(self._run(self._reader, work))

    async def write(self, work: Work[T], *, durable: bool = True) -> T:
        """Run a unit that writes."""
        return await self._tasks.run(self._run(self._writer, work if durable else _without_waiting(work)))

    async def run(self, work: StatementWork[T], *, durable: bool = True) -> T:
        """Run a unit of hand-written statements."""
        return await self.write(lambda session: work(ConnectionStatements(session.connection())), durable=durable)

    async def _run(self, engine: AsyncEngine, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            unit = _Unit(work)
            try:
                async with (
                    asyncio.timeout(UNIT_TIMEOUT_S),
                    AsyncSession(engine, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    return await session.run_sync(unit.run)
            except (SQLAlchemyError, OSError, TimeoutError) as err:
                if attempt < ATTEMPTS and unit.may_repeat(err):
                    continue
                if (unavailable := as_unavailable(err)) is not None:
                    raise unavailable from err
                raise
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        """Wait for running units, then close every connection."""
        await self._tasks.drain()
        await self._writer.dispose()


class _Unit(Generic[T]):
    """One run of a unit of work, and whether its commit can have begun."""

    __slots__ = ("_work", "has_returned")

    def __init__(self, work: Work[T]) -> None:
        self._work = work
        self.has_returned = False

    def run(self, session: SqlAlchemySession) -> T:
        result = self._work(cast(Session, session))
        self.has_returned = True
        return result

    def may_repeat(self, err: BaseException) -> bool:
        """Return whether the unit surely had no effect and may succeed now.

        A pooled connection that a server restart has killed is noticed by the first statement on it.
        """
        if not isinstance(err, DBAPIError):
            return False
        if err.connection_invalidated:
            return not self.has_returned
        return getattr(err.orig, "sqlstate", None) in RETRY_STATES


def _without_waiting(work: Work[T]) -> Work[T]:
    def relaxed(session: Session) -> T:
        session.connection().exec_driver_sql("SET LOCAL synchronous_commit = off")
        return work(session)

    return relaxed
