import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gatewayz.domain.batches.telling import end_told_at
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.batch_records import Batch, LineResult, NewBatch, NewLine, TakenLine
from gatewayz.store.file_records import NewFile
from gatewayz.store.records import NewUser
from gatewayz.store.sql.store import SqlStore
from gatewayz.store.webhook_records import NewEndpoint

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
GOOD = LineResult(request_id="r", status=200, body=b"{}")
BAD = LineResult(request_id="r", status=402, body=b'{"error":{}}')


@pytest.fixture
async def user_id(store: SqlStore) -> int:
    return (await store.users.add_user(NewUser(email="a@example.com"), NOW)).id


def new_file(user_id: int, public_id: str = "file-1") -> NewFile:
    return NewFile(public_id=public_id, user_id=user_id, filename="a.jsonl", purpose="batch")


def new_batch(user_id: int, public_id: str = "batch_1") -> NewBatch:
    return NewBatch(
        public_id=public_id,
        user_id=user_id,
        key_id=1,
        endpoint="/v1/embeddings",
        input_file_id="file-1",
        completion_window="24h",
        metadata={"a": "b"},
        expires_at=LATER,
    )


async def in_progress(store: SqlStore, user_id: int, lines: int) -> Batch:
    batch = await store.batches.add(new_batch(user_id), NOW, 9)
    assert batch is not None
    await store.batches.add_lines(
        batch.id, [NewLine(number=each, custom_id=f"c{each}", body=b"{}") for each in range(1, lines + 1)]
    )
    moved = await store.batches.move(batch.id, ("validating",), "in_progress", NOW, total=lines, model="m")
    assert moved is not None
    return moved


async def take(store: SqlStore, batch: Batch) -> TakenLine:
    line = await store.batches.take_line(batch.id)
    assert line is not None
    return line


async def test_a_file_is_seen_when_it_is_whole_until_it_expires(store: SqlStore, user_id: int) -> None:
    file = await store.files.begin(new_file(user_id), NOW)
    assert await store.files.append(file, 0, b"abc", 5)
    assert not await store.files.append(file, 1, b"def", 5)
    assert await store.files.append(file, 1, b"de", 5)
    assert await store.files.find(user_id, "file-1", NOW) is None
    done = await store.files.finish(file, LATER)
    assert (done.bytes, done.is_ready, done.expires_at) == (5, True, LATER)
    assert await store.files.find(user_id, "file-1", NOW) == done
    assert await store.files.find(user_id + 1, "file-1", NOW) is None
    assert [await store.files.read_chunk(file.id, number) for number in range(3)] == [b"abc", b"de", None]
    assert await store.files.find(user_id, "file-1", LATER) is None
    assert await store.files.prune(NOW, NOW, 10) == 0
    assert await store.files.prune(LATER, NOW, 10) == 1
    assert await store.files.read_chunk(file.id, 0) is None


async def test_files_are_listed_in_order_and_removed_by_their_owner(store: SqlStore, user_id: int) -> None:
    made = [await store.files.begin(new_file(user_id, f"file-{number}"), NOW) for number in range(3)]
    done = [await store.files.finish(file, None) for file in made]

    async def ids(after: int | None = None, *, is_newest_first: bool, purpose: str | None = None) -> list[str]:
        found = await store.files.list_files(
            user_id, NOW, after=after, limit=2, is_newest_first=is_newest_first, purpose=purpose
        )
        return [file.public_id for file in found]

    assert await ids(is_newest_first=True) == ["file-2", "file-1"]
    assert await ids(done[0].id, is_newest_first=False) == ["file-1", "file-2"]
    assert await ids(is_newest_first=True, purpose="batch_output") == []
    assert not await store.files.remove(user_id + 1, "file-1", NOW)
    assert await store.files.remove(user_id, "file-1", NOW)
    assert await ids(is_newest_first=True) == ["file-2", "file-0"]


async def test_parallel_uploads_do_not_pass_the_bound_together(store: SqlStore, user_id: int) -> None:
    made = [await store.files.begin(new_file(user_id, f"file-{number}"), NOW) for number in range(4)]
    taken = await asyncio.gather(*(store.files.append(file, 0, b"xx", 5) for file in made))
    assert sum(taken) == 2


async def test_uploads_that_were_broken_off_are_pruned(store: SqlStore, user_id: int) -> None:
    file = await store.files.begin(new_file(user_id), NOW)
    await store.files.append(file, 0, b"abc", None)
    assert await store.files.prune(LATER, NOW, 10) == 0
    assert await store.files.prune(LATER, LATER, 10) == 1


async def test_a_batch_is_its_owners_and_a_user_has_so_many(store: SqlStore, user_id: int) -> None:
    batch = await store.batches.add(new_batch(user_id), NOW, 1)
    assert batch is not None and batch.state == "validating" and batch.metadata == {"a": "b"}
    assert await store.batches.add(new_batch(user_id, "batch_2"), NOW, 1) is None
    assert await store.batches.find(user_id, "batch_1") == batch
    assert await store.batches.find(user_id + 1, "batch_1") is None
    assert list(await store.batches.list_open(5)) == list(
        await store.batches.list_batches(user_id, after=None, limit=5)
    )
    assert await store.batches.move(batch.id, ("in_progress",), "finalizing", NOW) is None


async def test_lines_are_taken_once_in_order(store: SqlStore, user_id: int) -> None:
    batch = await in_progress(store, user_id, 6)
    taken = await asyncio.gather(*(store.batches.take_line(batch.id) for _ in range(8)))
    lines = [line for line in taken if line is not None]
    assert sorted(line.number for line in lines) == [1, 2, 3, 4, 5, 6]
    assert {line.attempt for line in lines} == {1}
    assert not await store.batches.put_back(batch.id, lines[0])
    assert await store.batches.begin_undo(batch.id, lines[0])
    assert await store.batches.put_back(batch.id, lines[0])
    again = await take(store, batch)
    assert (again.number, again.attempt) == (lines[0].number, 2)
    await store.batches.begin_undo(batch.id, again)
    await store.batches.put_back(batch.id, again)
    await store.batches.move(batch.id, ("in_progress",), "cancelling", NOW)
    assert await store.batches.take_line(batch.id) is None


async def test_only_the_attempt_under_way_ends_a_line(store: SqlStore, user_id: int) -> None:
    batch = await in_progress(store, user_id, 2)
    first = await take(store, batch)
    assert await store.batches.try_again(batch.id, first)
    assert not await store.batches.finish_line(batch.id, first, GOOD)
    second = msgspec.structs.replace(first, attempt=2)
    assert await store.batches.list_running(batch.id) == [second]
    assert await store.batches.finish_line(batch.id, second, GOOD)
    assert not await store.batches.finish_line(batch.id, second, GOOD)
    assert await store.batches.finish_line(batch.id, await take(store, batch), BAD)
    now = await store.batches.load(batch.id)
    assert now is not None and (now.total, now.completed, now.failed) == (2, 1, 1)


async def test_an_attempt_that_is_taken_back_gives_no_answer(store: SqlStore, user_id: int) -> None:
    batch = await in_progress(store, user_id, 2)
    lost = await take(store, batch)
    assert await store.batches.begin_undo(batch.id, lost)
    assert await store.batches.begin_undo(batch.id, lost)  # by the next process, should this one die
    assert not await store.batches.finish_line(batch.id, lost, GOOD)
    assert not await store.batches.try_again(batch.id, lost)
    assert await store.batches.list_running(batch.id) == [lost]
    answered = await take(store, batch)
    assert await store.batches.finish_line(batch.id, answered, GOOD)
    assert not await store.batches.begin_undo(batch.id, answered)


async def test_a_page_of_lines_has_a_bound_in_bytes(store: SqlStore, user_id: int) -> None:
    batch = await in_progress(store, user_id, 5)
    large = LineResult(request_id="r", status=200, body=b"x" * (3 * 1024 * 1024))
    for _ in range(5):
        await store.batches.finish_line(batch.id, await take(store, batch), large)
    found: list[list[int]] = []
    after = 0
    while page := await store.batches.list_lines(batch.id, is_good=True, after=after, limit=50):
        found.append([line.number for line in page])
        after = page[-1].number
    assert found == [[1, 2], [3, 4], [5]]


async def test_lines_are_cleared_in_pieces_while_the_batch_has_no_use_for_them(store: SqlStore, user_id: int) -> None:
    batch = await in_progress(store, user_id, 450)
    await store.batches.clear_lines(batch.id, ("validating",))
    await store.batches.clear_ended()
    assert len(await store.batches.list_lines(batch.id, is_good=False, after=0, limit=500)) == 450
    await store.batches.move(batch.id, ("in_progress",), "cancelled", NOW)
    await store.batches.clear_ended()
    assert await store.batches.list_lines(batch.id, is_good=False, after=0, limit=500) == []


async def test_a_large_file_is_deleted_between_other_writes(
    store: SqlStore, user_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await store.files.begin(new_file(user_id), NOW)
    for number in range(50):
        await store.files.append(file, number, b"x", None)
    await store.files.finish(file, None)
    units, write = 0, store.files._database.write

    async def counted(*args: Any, **more: Any) -> Any:
        nonlocal units
        units += 1
        assert await store.files.find(user_id, "file-1", NOW) is None or units == 1
        return await write(*args, **more)

    monkeypatch.setattr(store.files._database, "write", counted)
    assert await store.files.remove(user_id, "file-1", NOW)
    assert units == 5 and await store.files.read_chunk(file.id, 49) is None


async def test_a_deletion_that_broke_off_is_ended_by_the_next_prune(store: SqlStore, user_id: int) -> None:
    file = await store.files.begin(new_file(user_id), NOW)
    for number in range(40):
        await store.files.append(file, number, b"x", None)
    await store.files.finish(file, LATER)

    async def broken(file_id: int) -> None:
        raise StoreUnavailable("gone")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(StoreUnavailable):
        patch.setattr(store.files, "_remove", broken)
        await store.files.remove(user_id, "file-1", NOW)
    assert await store.files.find(user_id, "file-1", NOW) is None
    assert await store.files.prune(NOW, NOW, 10) == 1
    assert [await store.files.read_chunk(file.id, number) for number in (0, 39)] == [None, None]


async def test_a_closed_batch_shows_its_files_and_tells_webhooks(store: SqlStore, user_id: int) -> None:
    batch = await in_progress(store, user_id, 3)
    await store.batches.finish_line(batch.id, await take(store, batch), BAD)
    await store.batches.finish_line(batch.id, await take(store, batch), GOOD)
    good = await store.batches.list_lines(batch.id, is_good=True, after=0, limit=5)
    other = await store.batches.list_lines(batch.id, is_good=False, after=0, limit=5)
    assert [(line.number, line.result) for line in good] == [(2, GOOD)]
    assert [(line.number, line.result) for line in other] == [(1, BAD), (3, None)]
    await store.files.begin(new_file(user_id, "file-out"), NOW)

    new = NewEndpoint(url="https://a.example", events=("batch.completed",), nonce=b"n")
    endpoint = await store.webhooks.add(user_id, new, NOW)
    assert endpoint is not None

    async def close() -> Batch | None:
        return await store.batches.close(
            batch,
            "cancelled",
            LATER,
            output_file_id="file-out",
            error_file_id=None,
            files_expire_at=LATER,
            event_of=end_told_at(LATER),
        )

    closed = await close()
    assert closed is not None and (closed.state, closed.output_file_id) == ("cancelled", "file-out")
    assert closed.cancelled_at == LATER
    shown = await store.files.find(user_id, "file-out", NOW)
    assert shown is not None and shown.expires_at == LATER
    assert await close() is None
    (told,) = await store.webhooks.list_deliveries(user_id, endpoint.id, state=None, before=None, limit=5)
    assert msgspec.json.decode(told.body)["data"] == {
        "batch_id": "batch_1",
        "status": "cancelled",
        "request_counts": {"total": 3, "completed": 1, "failed": 1},
        "output_file_id": "file-out",
        "error_file_id": None,
    }
