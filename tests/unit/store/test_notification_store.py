from datetime import UTC, datetime, timedelta

from gatewayz.store.notification_records import PreferenceChanges
from gatewayz.store.payment_records import NewPayment
from gatewayz.store.profile_records import NewAccount
from gatewayz.store.records import NewUser
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)


async def due(store: SqlStore, now: datetime = SOON) -> list[tuple[int, str]]:
    """Return who is told what, and claim it as the job does."""
    found = [each for each in await store.notifications.list_due(now, 100) if await store.notifications.claim(each)]
    return [(each.user_id, each.kind) for each in found]


async def sign_up(store: SqlStore, email: str | None) -> int:
    name = (email or "nobody").partition("@")[0]
    return (await store.sign_ups.register(NewAccount(username=name, email=email), NOW)).user.id


async def test_who_signed_up_is_welcomed_once(store: SqlStore) -> None:
    new, declined = await sign_up(store, "new@example.com"), await sign_up(store, "quiet@example.com")
    await sign_up(store, None)  # by a wallet or a telephone: there is no address
    await store.users.add_user(NewUser(email="made-by-an-operator@example.com"), NOW)
    await store.notifications.change_preferences(declined, PreferenceChanges(email_notifications=False), NOW)
    assert await due(store) == [(new, "welcome")]
    assert not await due(store)
    await sign_up(store, "late@example.com")
    assert not await due(store, NOW + timedelta(days=1))


async def test_a_payment_is_confirmed_once(store: SqlStore) -> None:
    user_id = (await store.users.add_user(NewUser(email="buyer@example.com"), NOW)).id

    async def pay(completed_at: datetime | None) -> None:
        new = NewPayment(
            user_id=user_id,
            processor="stripe",
            amount=1000,
            credit=1000,
            currency="usd",
            description=None,
            metadata={},
        )
        payment_id = await store.payments.add(new, NOW)
        if completed_at is not None:
            await store.payments.update(payment_id, status="completed", completed_at=completed_at)

    await pay(None)
    assert not await due(store)
    await pay(NOW)
    assert await due(store) == [(user_id, "credit_added")]
    assert not await due(store)
    await pay(SOON)
    assert await due(store) == [(user_id, "credit_added")]
    assert not await due(store, SOON + timedelta(days=1))
