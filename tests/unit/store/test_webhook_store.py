import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.incident_records import Opening, Subject
from gatewayz.store.moment_id import first_id
from gatewayz.store.records import NewUser, UsageRow
from gatewayz.store.sql.store import SqlStore
from gatewayz.store.sql.tables.webhooks import webhook_deliveries, webhook_endpoints
from gatewayz.store.webhook_records import (
    MAX_ENDPOINTS,
    Attempt,
    Endpoint,
    EndpointChanges,
    NewEndpoint,
    event_of,
    milliseconds,
)
from tests.fakes.clock import FakeClock
from tests.unit.store.test_usage_store import row

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOW_MS = milliseconds(NOW)
NONCE = b"n" * 16
_ENDPOINT = webhook_endpoints.c


@pytest.fixture
async def user_id(store: SqlStore) -> int:
    return (await store.users.add_user(NewUser(email="a@example.com"), NOW)).id


async def listen(store: SqlStore, user_id: int, *events: str) -> Endpoint:
    new = NewEndpoint(url="https://hooks.example/a", events=events or ("*",), nonce=NONCE)
    made = await store.webhooks.add(user_id, new, NOW)
    assert made is not None
    return made


async def deliveries(store: SqlStore, endpoint: Endpoint) -> list[str]:
    listed = await store.webhooks.list_deliveries(endpoint.user_id, endpoint.id, state=None, before=None, limit=100)
    return [each.type for each in listed]


async def test_endpoints_are_their_owners(store: SqlStore, user_id: int) -> None:
    made = await listen(store, user_id, "credits.low", "credits.added")
    assert made.events == ("credits.low", "credits.added") and made.is_active
    assert await store.webhooks.find(user_id, made.id) == made
    assert await store.webhooks.find(user_id + 1, made.id) is None
    assert await store.webhooks.change(user_id + 1, made.id, EndpointChanges(url="https://x.example"), NOW) is None
    assert await store.webhooks.rotate(user_id + 1, made.id, b"o" * 16, 1, NOW) is None
    assert not await store.webhooks.delete(user_id + 1, made.id)
    changed = await store.webhooks.change(user_id, made.id, EndpointChanges(events=("*",), is_active=False), NOW)
    assert changed is not None and (changed.events, changed.is_active) == (("*",), False)
    rotated = await store.webhooks.rotate(user_id, made.id, b"o" * 16, NOW_MS + 5, NOW)
    assert rotated is not None and (rotated.nonce, rotated.old_nonce) == (b"o" * 16, NONCE)
    assert await store.webhooks.delete(user_id, made.id)
    assert not await store.webhooks.list_endpoints(user_id)


async def test_there_are_only_so_many(store: SqlStore, user_id: int) -> None:
    for _ in range(MAX_ENDPOINTS):
        await listen(store, user_id)
    assert await store.webhooks.add(user_id, NewEndpoint(url="u", events=("*",), nonce=NONCE), NOW) is None


async def test_the_url_of_the_preferences_is_one(store: SqlStore, user_id: int) -> None:
    first = NewEndpoint(url="https://a.example", events=("*",), nonce=NONCE, is_of_preferences=True)
    made = await store.webhooks.set_of_preferences(user_id, first, NOW)
    second = msgspec.structs.replace(first, url="https://b.example", nonce=b"o" * 16)
    moved = await store.webhooks.set_of_preferences(user_id, second, NOW)
    assert made is not None and moved is not None
    assert (moved.id, moved.url, moved.nonce) == (made.id, "https://b.example", NONCE)
    assert await store.webhooks.set_of_preferences(user_id, None, NOW) is None
    assert not await store.webhooks.list_endpoints(user_id)


async def test_who_listens_is_told_once(store: SqlStore, user_id: int) -> None:
    low, everything = await listen(store, user_id, "credits.low"), await listen(store, user_id)
    off = await listen(store, user_id)
    await store.webhooks.change(user_id, off.id, EndpointChanges(is_active=False), NOW)
    event = event_of(user_id, "credits.added", {"amount": 1}, NOW_MS, "entry 1")
    assert await store.webhooks.emit(event) == 1
    assert await store.webhooks.emit(event_of(user_id, "credits.added", {"amount": 1}, NOW_MS + 9, "entry 1")) == 0
    assert await deliveries(store, everything) == ["credits.added"]
    assert not await deliveries(store, low) and not await deliveries(store, off)
    assert await store.webhooks.list_listeners("credits.low") == {user_id}
    assert await store.webhooks.list_listeners("model.degraded") == {user_id}


async def test_a_claim_is_a_lease(store: SqlStore, user_id: int) -> None:
    endpoint = await listen(store, user_id)
    await store.webhooks.emit(event_of(user_id, "credits.low", {}, NOW_MS, "a"))
    assert not await store.webhooks.claim(NOW_MS, limit=5, lease_ms=1000, busy=[endpoint.id])
    assert not await store.webhooks.claim(NOW_MS, limit=5, lease_ms=1000, busy_users=[user_id])
    [claimed] = await store.webhooks.claim(NOW_MS, limit=5, lease_ms=1000, busy=[])
    assert claimed.endpoint == endpoint and claimed.delivery.type == "credits.low"
    assert not await store.webhooks.claim(NOW_MS + 999, limit=5, lease_ms=1000, busy=[])
    [again] = await store.webhooks.claim(NOW_MS + 1000, limit=5, lease_ms=1000, busy=[])
    assert again.delivery.event_id == claimed.delivery.event_id


def attempt(endpoint: Endpoint, delivery_id: int, **changes: object) -> Attempt:
    values = {
        "delivery_id": delivery_id,
        "endpoint_id": endpoint.id,
        "state": "waiting",
        "next_ms": NOW_MS + 5000,
        "tried_ms": NOW_MS,
        "response_status": 500,
        "duration_ms": 12,
        "error": "answered 500",
    }
    return msgspec.convert({**values, **changes}, Attempt)


async def test_tries_are_written_down(store: SqlStore, user_id: int) -> None:
    endpoint = await listen(store, user_id)
    await store.webhooks.emit(event_of(user_id, "credits.low", {}, NOW_MS, "a"))
    [claimed] = await store.webhooks.claim(NOW_MS, limit=5, lease_ms=1000, busy=[])
    one = claimed.delivery.id
    await store.webhooks.finish(attempt(endpoint, one))
    failing = await store.webhooks.find(user_id, endpoint.id)
    assert failing is not None and failing.failing_since_ms == NOW_MS
    await store.webhooks.finish(attempt(endpoint, one, tried_ms=NOW_MS + 5000))
    failing = await store.webhooks.find(user_id, endpoint.id)
    assert failing is not None and failing.failing_since_ms == NOW_MS
    await store.webhooks.finish(attempt(endpoint, one, state="delivered", response_status=204, error=None))
    [shown] = await store.webhooks.list_deliveries(user_id, endpoint.id, state="delivered", before=None, limit=5)
    assert (shown.attempts, shown.response_status, shown.error, shown.duration_ms) == (3, 204, None, 12)
    well = await store.webhooks.find(user_id, endpoint.id)
    assert well is not None and well.failing_since_ms is None
    assert await store.webhooks.redeliver(user_id + 1, endpoint.id, one, NOW_MS, NOW_MS) is None
    again = await store.webhooks.redeliver(user_id, endpoint.id, one, NOW_MS + 9, NOW_MS + 99)
    assert again is not None and (again.state, again.next_ms, again.expires_ms) == ("waiting", NOW_MS + 9, NOW_MS + 99)
    await store.webhooks.finish(attempt(endpoint, one, state="failed", disable="gone"))
    gone = await store.webhooks.find(user_id, endpoint.id)
    assert gone is not None and (gone.is_active, gone.disabled_reason) == (False, "gone")
    back = await store.webhooks.change(user_id, endpoint.id, EndpointChanges(is_active=True), NOW)
    assert back is not None and (back.disabled_reason, back.failing_since_ms) == (None, None)
    await store.webhooks.prune(NOW_MS + 1)
    assert not await deliveries(store, endpoint)


async def test_added_credit_is_told_with_its_booking(store: SqlStore, user_id: int) -> None:
    endpoint = await listen(store, user_id, "credits.added")
    ledger = Ledger(store.ledger, FakeClock(now=NOW))
    for _ in range(2):  # the repeat books nothing and tells nothing
        await ledger.deposit(
            user_id, Parts(purchased=5 * NANO_PER_USD), kind="purchase", key="payment:1", counter="clearing"
        )
    await ledger.authorize(user_id, NANO_PER_USD, "call")
    await ledger.capture(user_id, "call", held=NANO_PER_USD, cost=1000)
    await ledger.aclose()
    listed = await store.webhooks.list_deliveries(user_id, endpoint.id, state=None, before=None, limit=5)
    [told] = [msgspec.json.decode(each.body) for each in listed]
    assert told["type"] == "credits.added"
    assert (told["data"]["amount"], told["data"]["balance"], told["data"]["kind"]) == (5.0, 5.0, "purchase")


@pytest.fixture
async def other_session(url: str) -> AsyncIterator[AsyncConnection]:
    """Another connection to the same PostgreSQL database."""
    if not url.startswith("postgresql"):
        pytest.skip("SQLite has one writer")
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def test_a_booking_neither_waits_for_an_endpoint_that_is_being_deleted_nor_fails(
    store: SqlStore, user_id: int, other_session: AsyncConnection
) -> None:
    going, staying = await listen(store, user_id), await listen(store, user_id)
    await other_session.execute(select(_ENDPOINT.id).where(_ENDPOINT.id == going.id).with_for_update())
    await other_session.execute(delete(webhook_endpoints).where(_ENDPOINT.id == going.id))
    ledger = Ledger(store.ledger, FakeClock(now=NOW))
    booking = ledger.deposit(user_id, Parts(purchased=5), kind="purchase", key="payment:1", counter="clearing")
    async with asyncio.timeout(5):
        await booking
        assert await store.webhooks.emit(event_of(user_id, "credits.low", {}, NOW_MS, "a")) == 1
    await other_session.commit()
    await ledger.aclose()
    assert await deliveries(store, staying) == ["credits.low", "credits.added"]


async def test_noting_a_try_waits_for_the_endpoint_before_it_holds_the_delivery(
    store: SqlStore, user_id: int, other_session: AsyncConnection
) -> None:
    endpoint = await listen(store, user_id)
    await store.webhooks.emit(event_of(user_id, "credits.low", {}, NOW_MS, "a"))
    [claimed] = await store.webhooks.claim(NOW_MS, limit=5, lease_ms=1000)
    await other_session.execute(text("SET LOCAL lock_timeout = '500ms'"))
    await other_session.execute(select(_ENDPOINT.id).where(_ENDPOINT.id == endpoint.id).with_for_update())
    noting = asyncio.create_task(store.webhooks.finish(attempt(endpoint, claimed.delivery.id)))
    await asyncio.sleep(0.2)
    assert not noting.done()
    # Raises where the try holds the delivery and waits for the endpoint.
    await other_session.execute(delete(webhook_deliveries).where(webhook_deliveries.c.endpoint_id == endpoint.id))
    await other_session.execute(delete(webhook_endpoints).where(_ENDPOINT.id == endpoint.id))
    await other_session.commit()
    await noting


def spent(user_id: int, model: str, number: int) -> UsageRow:
    made: UsageRow = row(
        first_id(NOW - timedelta(hours=1)) + number, user_id=user_id, model=model, provider="echo", charged_nano=5
    )
    return made


async def test_a_balance_is_told_once_a_crossing(store: SqlStore, user_id: int) -> None:
    endpoint = await listen(store, user_id, "credits.low", "credits.depleted")
    await store.usage.append_usage([spent(user_id, "test/echo", 1)])
    ledger = Ledger(store.ledger, FakeClock(now=NOW))

    async def move(amount: int, key: str) -> None:
        parts = Parts(purchased=amount * NANO_PER_USD)
        await ledger.deposit(user_id, parts, kind="admin_credit", key=key, counter="promotions")

    await move(5, "a")
    assert await store.webhooks.emit_balances(NOW) == 1
    assert await store.webhooks.emit_balances(NOW + timedelta(hours=1)) == 0
    await move(-5, "b")
    assert await store.webhooks.emit_balances(NOW + timedelta(hours=2)) == 1
    await move(5, "e")  # there is something again, and it never rose above the threshold
    assert await store.webhooks.emit_balances(NOW + timedelta(hours=2)) == 0
    await move(-5, "f")
    assert await store.webhooks.emit_balances(NOW + timedelta(hours=2)) == 1
    await move(100, "c")
    assert await store.webhooks.emit_balances(NOW + timedelta(hours=3)) == 0
    await move(-95, "d")
    assert await store.webhooks.emit_balances(NOW + timedelta(hours=4)) == 1
    await ledger.aclose()
    assert await deliveries(store, endpoint) == [
        "credits.low",
        "credits.depleted",
        "credits.depleted",
        "credits.low",
    ]


async def test_a_look_that_finds_nothing_does_not_write(
    store: SqlStore, user_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.usage.append_usage([spent(user_id, "test/echo", 1)])
    ledger = Ledger(store.ledger, FakeClock(now=NOW))
    await ledger.deposit(user_id, Parts(purchased=5), kind="admin_credit", key="a", counter="promotions")
    await ledger.aclose()
    writes: list[object] = []
    database = store.webhooks._database
    write = database.write

    async def counted(work: Any, *, durable: bool = True) -> Any:
        writes.append(work)
        return await write(work, durable=durable)

    monkeypatch.setattr(database, "write", counted)
    assert await store.webhooks.emit_balances(NOW) == 0  # nobody listens
    assert not writes
    await listen(store, user_id)
    events = [event_of(user_id, "model.degraded", {}, NOW_MS, f"incident {number}") for number in range(3)]
    writes.clear()
    assert await store.webhooks.emit_new(events[:2]) == 2
    assert await store.webhooks.emit_new(events) == 1
    assert len(writes) == 2
    assert await store.webhooks.emit_new(events) == 0 and await store.webhooks.emit_new([]) == 0
    assert len(writes) == 2


async def test_outages_concern_those_who_used_the_model(store: SqlStore, user_id: int) -> None:
    await listen(store, user_id, "model.degraded")
    other = (await store.users.add_user(NewUser(email="b@example.com"), NOW)).id
    await store.usage.append_usage(
        [spent(user_id, "test/echo", 1), spent(user_id, "test/two", 2), spent(other, "test/echo", 3)]
    )
    opening = Opening(subject=Subject("echo", "test/echo"), severity="high", started_at=NOW, error_code="timeout")
    whole = Opening(subject=Subject("other", ""), severity="high", started_at=NOW, error_code=None)
    await store.incidents.open([opening, whole], NOW)
    [found] = await store.webhooks.list_degraded(NOW)
    assert (found.user_id, found.model, found.severity, found.error_code) == (user_id, "test/echo", "high", "timeout")
    await store.incidents.open([msgspec.structs.replace(whole, subject=Subject("echo", ""))], NOW)
    models = [each.model for each in await store.webhooks.list_degraded(NOW)]
    assert sorted(models) == ["test/echo", "test/echo", "test/two"]
