"""A PostgreSQL database that goes away and comes back: nobody may connect, and whoever was connected is out."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy.engine import make_url

__all__ = ["without_database"]


@contextmanager
def without_database(url: str) -> Iterator[None]:
    """Take the database of a URL (`tests.fakes.databases.postgres_url`) away."""
    _run(_allow(url, is_allowed=False))
    try:
        yield
    finally:
        _run(_allow(url, is_allowed=True))


def _run(work: Coroutine[None, None, None]) -> None:
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _allow(url: str, *, is_allowed: bool) -> None:
    import asyncpg  # type: ignore[import-untyped]

    parsed = make_url(url)
    name = parsed.database
    server = parsed.set(drivername="postgresql", database="postgres")
    connection = await asyncpg.connect(server.render_as_string(hide_password=False))
    try:
        await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(is_allowed).lower()}")
        if not is_allowed:
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    finally:
        await connection.close()
