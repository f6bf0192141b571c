"""What providers list, on both stores."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gatewayz.sdk.offers import Price, PriceTier
from gatewayz.store.catalog_records import Listed, ListedModel, ProviderList
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PRICE = Price(
    input=1, output=2, tiers=(PriceTier(above_tokens=10, input=3, output=4),), source="list", date="2026-05-01"
)


def model(native: str, *, provider: str = "p", state: Any = "priced", **facts: Any) -> ListedModel:
    return ListedModel(provider=provider, native=native, model=f"v/{native}", state=state, facts=Listed(**facts))


async def keep(store: SqlStore, *models: ListedModel, minutes: int = 0, provider: str = "p") -> int:
    at = NOW + timedelta(minutes=minutes)
    found = ProviderList(provider=provider, last_run_at=at, last_success_at=at, listed=len(models))
    return await store.catalog.keep_list(found, models, gone_after=2)


async def listed(store: SqlStore) -> list[ListedModel]:
    return list((await store.catalog.listings())[1])


async def test_a_list_comes_back_as_it_was_kept(store: SqlStore) -> None:
    rows = [model("a", price=PRICE, name="A", features=("tools",)), model("b", state="unpriced")]
    assert await keep(store, *rows) == 2
    assert await listed(store) == rows
    (head,) = await store.catalog.lists()
    assert (head.provider, head.last_success_at, head.last_error, head.listed) == ("p", NOW, None, 2)


async def test_only_changes_are_written_and_move_the_revision(store: SqlStore) -> None:
    before = await store.catalog.revision()
    await keep(store, model("a", price=PRICE))
    first = await store.catalog.revision()
    assert first == before + 1
    tomorrow = Price(**{**{name: getattr(PRICE, name) for name in PRICE.__struct_fields__}, "date": "2026-05-02"})
    assert await keep(store, model("a", price=tomorrow), minutes=1) == 0
    assert await store.catalog.revision() == first, "the day a price was read is no change"
    (kept,) = await listed(store)
    assert kept.facts.price == PRICE
    assert await keep(store, model("a", price=PRICE, context_length=5), minutes=2) == 1
    assert await store.catalog.revision() == first + 1


async def test_a_missing_model_becomes_inactive_after_some_lists_and_active_again(store: SqlStore) -> None:
    both = (model("a"), model("b"))
    await keep(store, *both)
    assert await keep(store, model("a")) == 0
    await keep(store, *both)
    assert await keep(store, model("a")) == 0, "misses are counted in a row"
    assert await keep(store, model("a")) == 1
    assert [row.is_active for row in await listed(store)] == [True, False]
    assert await keep(store, model("a")) == 0
    assert await keep(store, *both) == 1
    assert [row.is_active for row in await listed(store)] == [True, True]


async def test_a_failure_leaves_the_list_and_a_good_one_clears_it(store: SqlStore) -> None:
    await keep(store, model("a"))
    await store.catalog.note_failure("p", NOW + timedelta(minutes=5), "x" * 900, 1.5)
    await store.catalog.note_failure("never", NOW, "no answer", 0.1)
    never, head = await store.catalog.lists()
    assert (head.listed, head.last_success_at, head.last_run_at) == (1, NOW, NOW + timedelta(minutes=5))
    assert head.last_error == "x" * 500 and len(await listed(store)) == 1
    assert (never.provider, never.last_success_at, never.listed) == ("never", None, 0)
    await keep(store, model("a"), minutes=9)
    assert (await store.catalog.lists())[1].last_error is None


async def test_forgetting(store: SqlStore) -> None:
    await keep(store, model("a"))
    await keep(store, model("b", provider="q"), provider="q")
    revision = await store.catalog.revision()
    assert await store.catalog.forget() == 2
    assert await listed(store) == [] and len(await store.catalog.lists()) == 2
    assert await store.catalog.forget(lists=True) == 0 and await store.catalog.lists() == []
    assert await store.catalog.revision() == revision + 2


async def test_runs_are_counted_by_how_they_ended(store: SqlStore) -> None:
    good, poor, bad, running = [await store.catalog.begin_run("full", NOW + timedelta(minutes=n), 2) for n in range(4)]
    await store.catalog.note_progress(good, failed=False, changed=3)
    await store.catalog.note_progress(good, failed=False, changed=4)
    await store.catalog.note_progress(poor, failed=True, changed=0)
    for run, error in ((good, None), (poor, None), (bad, "the store went away")):
        await store.catalog.end_run(run, NOW + timedelta(hours=1), error)
    totals = await store.catalog.totals()
    assert (totals.runs, totals.successful, totals.failed) == (3, 1, 2)
    newest, *_, oldest = await store.catalog.runs(10)
    assert newest.id == running and newest.ended_at is None
    assert (oldest.done, oldest.failed, oldest.changed, oldest.ended_at) == (2, 0, 7, NOW + timedelta(hours=1))
    assert len(await store.catalog.runs(2)) == 2
