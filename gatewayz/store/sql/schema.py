"""Brings a database to the schema of this release, one process at a time.

The migrations live inside the package, so that a wheel carries them.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.store.sql.database import as_unavailable, parse_url

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import URL

__all__ = ["HEAD", "check", "current", "downgrade", "upgrade", "upgrade_sync"]

HEAD: Final = "0025"
"""Newest migration; known without importing alembic, so that an up-to-date database costs one query at start."""
LOCK_ID: Final = 0x67617465
"""Advisory lock of PostgreSQL that upgrades take."""
LOCK_WAIT_MS: Final = 60_000
"""How long a process waits for another one's upgrade."""
MIGRATIONS: Final = Path(__file__).parent / "migrations"

T = TypeVar("T")
Step = Callable[[Connection], T]


async def upgrade(url: str, revision: str = HEAD) -> str | None:
    """Apply migrations up to `revision`, all or none; return the revision found before.

    Raises ConfigurationError (the database is newer than this release), StoreUnavailable.
    """
    return await _run(url, lambda connection: _upgrade(connection, revision))


def upgrade_sync(url: str, revision: str = HEAD) -> str | None:
    """`upgrade`, for code outside of an event loop."""
    return asyncio.run(upgrade(url, revision))


async def downgrade(url: str, revision: str) -> str | None:
    """Take migrations back to `revision` (`base` for all); return the revision found before.

    Raises ConfigurationError for a revision that the database cannot go back to, StoreUnavailable.
    """
    return await _run(url, lambda connection: _downgrade(connection, revision))


async def current(url: str) -> str | None:
    """Return the revision of the database, None for an empty one."""
    return await _run(url, _current)


async def check(url: str) -> list[str]:
    """Return how the tables differ from the code's, in words; empty when they do not."""
    return await _run(url, _differences)


async def _run(url: str, step: Step[T]) -> T:
    """Run a step in one transaction that no other process's step can overlap."""
    parsed = parse_url(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            return await asyncio.to_thread(_run_sqlite, parsed, step)
        return await _run_postgres(parsed, step)
    except (SQLAlchemyError, OSError) as err:
        if (unavailable := as_unavailable(err)) is not None:
            raise unavailable from err
        raise


def _run_sqlite(url: "URL", step: Step[T]) -> T:
    from gatewayz.store.sql.sqlite import create_file, sqlite_engine  # noqa: PLC0415  (only the driver in use)

    create_file(Path(url.database or ""))
    # Batch migrations rebuild tables: references are checked at the end, not at each step.
    pragmas = {"busy_timeout": str(LOCK_WAIT_MS), "journal_mode": "WAL", "foreign_keys": "OFF"}
    engine = sqlite_engine(url, begin="BEGIN IMMEDIATE", pragmas=pragmas)
    try:
        with engine.begin() as connection:
            result = step(connection)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").fetchone() is not None:
                raise ConfigurationError("a migration would break a reference between tables; nothing was changed")
            return result
    finally:
        engine.dispose()


async def _run_postgres(url: "URL", step: Step[T]) -> T:
    from gatewayz.store.sql.postgres import postgres_engine  # noqa: PLC0415  (only the driver in use)

    engine = postgres_engine(url, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": LOCK_ID})
            return await connection.run_sync(step)
    finally:
        await engine.dispose()


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if found is None else str(found)


def _upgrade(connection: Connection, revision: str) -> str | None:
    found = _current(connection)
    if found == revision:
        return found
    from alembic import command  # noqa: PLC0415  (300 ms, and seldom needed)
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(_alembic(connection), revision)
    except CommandError as err:
        raise ConfigurationError(
            f"the database has schema {found}, which this release (schema {HEAD}) cannot use"
        ) from err
    return found


def _downgrade(connection: Connection, revision: str) -> str | None:
    from alembic import command  # noqa: PLC0415  (as above)
    from alembic.util import CommandError  # noqa: PLC0415

    found = _current(connection)
    try:
        command.downgrade(_alembic(connection), revision)
    except CommandError as err:
        raise ConfigurationError(f"the database has schema {found} and cannot go back to {revision!r}") from err
    return found


def _differences(connection: Connection) -> list[str]:
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  (as above)
    from alembic.migration import MigrationContext  # noqa: PLC0415

    from gatewayz.store.sql.tables import metadata  # noqa: PLC0415  (builds every table)

    context = MigrationContext.configure(connection, opts={"include_object": _is_ours})
    return [repr(difference) for difference in compare_metadata(context, metadata)]


def _is_ours(_item: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    """Leave out partitions, which come and go with the days, and full-text search, which each database has its own."""
    if name is None:
        return True
    is_partition = kind == "table" and name.startswith("usage_log_")
    is_search = (kind == "table" and "_fts" in name) or (kind != "table" and name.endswith("search_vector"))
    return not (is_partition or is_search)


def _alembic(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  (as above)

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
