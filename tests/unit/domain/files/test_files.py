from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gatewayz.config.sections.batches import Files as FileRules
from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.files.files import Files
from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest, RateLimited, ResourceNotFound, ServerOverloaded
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url

RULES = FileRules(max_file_bytes=1_000_000, max_user_bytes=1_500_000, max_uploads=3, max_user_uploads=2)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False))
    yield store
    await store.aclose()


@pytest.fixture
def files(store: SqlStore, clock: FakeClock) -> Files:
    return Files(store.files, clock, lambda: RULES)


@pytest.fixture
async def user(store: SqlStore, clock: FakeClock) -> int:
    return (await store.users.add_user(NewUser(email="a@example.com"), clock.now())).id


async def test_content_comes_back_as_it_was_sent_until_it_expires(files: Files, user: int, clock: FakeClock) -> None:
    writer, content = await files.begin_upload(user, "a.jsonl"), bytes(range(256)) * 3000
    for start in range(0, len(content), 70_000):
        await writer.write(content[start : start + 70_000])
    file = await writer.finish(files.expiry(3600))
    assert (file.purpose, file.bytes) == ("batch", len(content))
    assert b"".join([chunk async for chunk in files.content(file)]) == content
    clock.advance(3600)
    with pytest.raises(ResourceNotFound):
        await files.find(user, file.public_id)
    await files.prune()
    with pytest.raises(ResourceNotFound):
        _ = [chunk async for chunk in files.content(file)]


async def test_bounds_of_a_file_and_of_a_user(files: Files, user: int) -> None:
    writer = await files.begin_upload(user, "a")
    with pytest.raises(BodyTooLarge):
        await writer.write(b"x" * 1_000_001)
    await writer.discard()
    await (await files.begin_upload(user, "b")).write(b"x" * 1_000_000)
    with pytest.raises(InvalidRequest, match="together"):
        await (await files.begin_upload(user, "c")).write(b"x" * 1_000_000)


async def test_uploads_under_way_are_bounded(files: Files) -> None:
    with ExitStack() as under_way:
        under_way.enter_context(files.uploading(1))
        under_way.enter_context(files.uploading(1))
        with pytest.raises(RateLimited), files.uploading(1):
            pass
        with files.uploading(2):
            pass
        under_way.enter_context(files.uploading(2))
        with pytest.raises(ServerOverloaded), files.uploading(3):
            pass
    with files.uploading(1), files.uploading(1), files.uploading(3):
        pass


async def test_a_file_that_is_pruned_does_not_appear(files: Files, store: SqlStore, user: int) -> None:
    """Its content is deleted in pieces: an upload that ends in between must not show the rest."""
    writer = await files.begin_upload(user, "a")
    await writer.write(b"x" * 300_000)
    await writer.flush()
    await writer.discard()
    with pytest.raises(Exception, match="No row was found"):
        await writer.finish(None)
