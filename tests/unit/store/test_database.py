import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from gatewayz.sdk.errors import ConfigurationError, StoreUnavailable
from gatewayz.store.sql.database import Database, open_database, parse_url

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = open_database(url)

    def make(session: Session) -> None:
        session.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= 0))"))
        session.execute(text("INSERT INTO t VALUES (1, 10)"))

    await database.write(make)
    yield database
    await database.aclose()


def read_n(session: Session) -> int:
    return int(session.execute(text("SELECT n FROM t")).scalar_one())


async def test_a_unit_that_raises_leaves_nothing(database: Database) -> None:
    def work(session: Session) -> None:
        session.execute(text("UPDATE t SET n = 3"))
        raise KeyError("mine")

    with pytest.raises(KeyError):
        await database.write(work)
    assert await database.read(read_n) == 10


async def test_no_update_is_lost_among_writers(database: Database) -> None:
    def add(session: Session) -> None:
        session.execute(text("UPDATE t SET n = n + 1"))

    await asyncio.gather(*(database.write(add, durable=number % 2 == 0) for number in range(40)))
    assert await database.read(read_n) == 50


async def test_guarded_updates_grant_exactly_what_is_there(database: Database) -> None:
    def take(session: Session) -> bool:
        found = session.execute(text("UPDATE t SET n = n - 1 WHERE n >= 1 RETURNING n")).fetchall()
        return bool(found)

    granted = await asyncio.gather(*(database.write(take) for _ in range(30)))
    assert sum(granted) == 10
    assert await database.read(read_n) == 0


async def test_a_unit_outlives_the_request_that_asked_for_it(database: Database) -> None:
    started, go_on = threading.Event(), threading.Event()

    def work(session: Session) -> None:
        session.execute(text("UPDATE t SET n = 77"))
        started.set()
        go_on.wait(0.2)

    task = asyncio.create_task(database.write(work))
    await asyncio.to_thread(started.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    for _ in range(100):
        if await database.read(read_n) == 77:
            break
        await asyncio.sleep(0.01)
    assert await database.read(read_n) == 77


async def test_cancelled_requests_leak_no_connection(database: Database) -> None:
    async def one(number: int) -> None:
        task = asyncio.create_task(database.read(read_n))
        await asyncio.sleep(0.001 * (number % 3))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(*(one(number) for number in range(60)))
    assert await asyncio.gather(*(database.read(read_n) for _ in range(30))) == [10] * 30


async def test_a_reading_unit_cannot_write(database: Database) -> None:
    with pytest.raises((StoreUnavailable, DBAPIError)):
        await database.read(lambda session: session.execute(text("UPDATE t SET n = 1")))
    assert await database.read(read_n) == 10


async def test_a_dead_server_is_unavailable_not_a_crash(unused_tcp_port: int) -> None:
    database = open_database(f"postgresql://postgres@127.0.0.1:{unused_tcp_port}/x")
    with pytest.raises(StoreUnavailable) as caught:
        await database.read(read_n)
    assert caught.value.retry_after_s
    await database.aclose()


async def test_a_database_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database at all" * 100)
    database = open_database(f"sqlite:///{tmp_path}/a.db")
    with pytest.raises(StoreUnavailable):
        await database.read(read_n)
    await database.aclose()


async def test_killed_connections_are_replaced_without_an_error(url: str, database: Database) -> None:
    if not url.startswith("postgresql"):
        pytest.skip("connections of SQLite are not killed")
    await asyncio.gather(*(database.read(read_n) for _ in range(5)))
    other = open_database(url)
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await other.write(lambda session: session.execute(text(kill)).all())
    await other.aclose()
    assert await asyncio.gather(*(database.read(read_n) for _ in range(5))) == [10] * 5
    await database.write(lambda session: session.execute(text("UPDATE t SET n = 11")))
    assert await database.read(read_n) == 11


async def test_processes_that_come_and_go_see_each_others_rows(tmp_path: Path) -> None:
    """A process that opens and closes the file by itself loses the locks of its connections, and then its rows."""
    url = f"sqlite:///{tmp_path}/a.db"
    code = f"""
import asyncio
from sqlalchemy import text
from gatewayz.store.sql.database import open_database
async def main():
    database = open_database({url!r})
    await database.write(lambda session: session.execute(text("UPDATE t SET n = n + 1")))
    await database.aclose()
asyncio.run(main())
"""
    database = open_database(url)
    await database.write(lambda session: session.execute(text("CREATE TABLE t (n INTEGER)")))
    await database.write(lambda session: session.execute(text("INSERT INTO t VALUES (0)")))
    for number in range(1, 4):
        assert await database.read(read_n) == 3 * number - 3
        await database.run(lambda statements: statements.change("UPDATE t SET n = n + 1", ()))
        await database.run(lambda statements: statements.change("UPDATE t SET n = n + 1", ()), durable=False)
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], check=True, cwd=ROOT)
        assert await database.read(read_n) == 3 * number
    await database.aclose()


@pytest.mark.parametrize("bad", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "not a url"])
def test_urls_that_cannot_be_used(bad: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_url(bad)


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///a.db", "sqlite:///a.db"])
def test_any_sqlite_driver_is_the_same_database(url: str) -> None:
    assert parse_url(url).database == "a.db"
