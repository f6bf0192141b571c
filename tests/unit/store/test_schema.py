import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.store.sql import schema
from tests.fakes.databases import empty_postgres_url

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/new/folder/a.db" if request.param == "sqlite" else empty_postgres_url()


async def test_up_down_and_up_again(empty_url: str) -> None:
    assert await schema.current(empty_url) is None
    assert await schema.upgrade(empty_url) is None
    assert await schema.current(empty_url) == schema.HEAD
    assert await schema.check(empty_url) == []
    assert await schema.downgrade(empty_url, "base") == schema.HEAD
    assert await schema.current(empty_url) is None
    await schema.upgrade(empty_url)
    assert await schema.upgrade(empty_url) == schema.HEAD
    assert await schema.check(empty_url) == []


def before_head() -> list[str]:
    """Return the revisions below the newest, that first: their numbers may leave gaps."""
    folder = ROOT / "gatewayz" / "store" / "sql" / "migrations" / "versions"
    texts = [path.read_text() for path in folder.glob("*.py")]
    pairs = [re.findall(r'^(?:down_)?revision = "?(\w+)"?$', text, re.M) for text in texts]
    parents = {made: parent for made, parent in pairs if made != parent}
    chain = [schema.HEAD]
    while chain[-1] in parents:
        chain.append(parents[chain[-1]])
    return ["base" if revision == "None" else revision for revision in chain[1:]]


async def test_each_step_down_and_up_leaves_the_same_schema(empty_url: str) -> None:
    await schema.upgrade(empty_url)
    for revision in before_head():
        await schema.downgrade(empty_url, revision)
        await schema.upgrade(empty_url)
        assert await schema.check(empty_url) == []
        await schema.downgrade(empty_url, revision)


async def test_processes_that_start_together_upgrade_once(empty_url: str) -> None:
    found = await asyncio.gather(*(schema.upgrade(empty_url) for _ in range(4)))
    assert sorted(found, key=str) == [schema.HEAD, schema.HEAD, schema.HEAD, None]


def test_separate_processes_may_make_one_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    code = f"from gatewayz.store.sql import schema; print(schema.upgrade_sync({url!r}))"
    command = [sys.executable, "-c", code]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    said = [process.communicate(timeout=60)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert sorted(said) == [schema.HEAD, schema.HEAD, "None"]


async def test_a_database_of_a_newer_release_is_refused(empty_url: str) -> None:
    await schema.upgrade(empty_url)
    with pytest.raises(ConfigurationError, match="cannot use"):
        await schema.upgrade(empty_url, "9999")
    assert await schema.current(empty_url) == schema.HEAD


def test_the_constant_is_the_newest_migration() -> None:
    files = sorted((schema.MIGRATIONS / "versions").glob("*.py"))
    assert files[-1].name.startswith(schema.HEAD + "_")


def test_the_store_can_be_named_without_loading_sqlalchemy() -> None:
    code = """
import sys
import gatewayz.domain.identity.accounts
import gatewayz.domain.identity.authenticator
import gatewayz.domain.usage.usage_log
import gatewayz.store.open
loaded = [name for name in ("sqlalchemy", "sqlmodel", "pydantic", "alembic", "cryptography") if name in sys.modules]
sys.exit(", ".join(loaded) or 0)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
