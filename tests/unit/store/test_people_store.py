from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from gatewayz.domain.identity.standing import status_word
from gatewayz.store.moment_id import first_id
from gatewayz.store.payment_records import Subscription
from gatewayz.store.profile_records import NewAccount, UserFilter
from gatewayz.store.records import USAGE_COLUMNS, KeyChanges, NewKey, NewUser, Sealed, UsageRow, UserChanges
from gatewayz.store.sql.store import SqlStore
from gatewayz.store.sql.tables.ledger import ledger_wallets

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)
ALL = UserFilter()


NUMBERS = count(1)


def call(at: datetime, user_id: int = 7, **changes: Any) -> UsageRow:
    values: dict[str, Any] = dict.fromkeys(USAGE_COLUMNS, 0) | {
        "id": first_id(at) + next(NUMBERS),
        "request_id": "req_1",
        "user_id": user_id,
        "operation": "openai_chat",
        "requested_model": "asked/m",
        "model": "v/m",
        "provider": "p",
        "upstream_model": "m",
        "error_code": None,
        "is_stream": False,
        "usage_source": "provider",
        "attempts": None,
        "candidates": None,
        "reason": None,
        "rates": None,
        "cache": None,
        "app": None,
        "app_url": None,
        "saved_nano": None,
        "status": 200,
        "input_tokens": 10,
        "output_tokens": 5,
        "cost_nano": 3,
        "charged_nano": 2,
    }
    return tuple((values | changes)[name] for name in USAGE_COLUMNS)


async def add_user(store: SqlStore, email: str, **fields: Any) -> int:
    return (await store.users.add_user(NewUser(email=email, **fields), NOW)).id


async def give(store: SqlStore, user_id: int, **parts: int) -> None:
    await store.database.write(
        lambda session: session.execute(ledger_wallets.insert().values(user_id=user_id, **parts))
    )


async def add_key(store: SqlStore, user_id: int, name: str = "k") -> int:
    sealed = Sealed(
        lookup_hash=f"{user_id}{name}".encode().ljust(32), ciphertext=b"c", cipher_version=1, last_four="wxyz"
    )
    key = NewKey(user_id=user_id, name=name, environment_tag="test", sealed=sealed)
    return (await store.keys.add_key(key, "test", NOW)).id


async def subscribe(store: SqlStore, user_id: int, status: str) -> None:
    subscription = Subscription(
        user_id=user_id,
        processor="p",
        customer_id=None,
        subscription_id=f"sub_{user_id}",
        status=status,
        tier="pro",
        product_id=None,
        price_id=None,
        period_start=None,
        period_end=None,
        cancel_at_period_end=False,
        canceled_at=None,
        as_of=NOW,
    )
    await store.payments.save_subscription(subscription, NOW)


async def test_usage_is_summed_by_day_model_and_provider(store: SqlStore) -> None:
    yesterday = MIDNIGHT - timedelta(milliseconds=1)
    rows = [
        call(MIDNIGHT),
        call(MIDNIGHT, charged_nano=None, cost_nano=None),
        call(yesterday),
        call(MIDNIGHT, provider=None, model=None),
        call(MIDNIGHT, user_id=8),
        call(MIDNIGHT - 2 * DAY),
        call(MIDNIGHT + DAY),
    ]
    await store.usage.append_usage(rows)
    sums = await store.people.sum_usage(7, MIDNIGHT - DAY, MIDNIGHT + DAY)
    found = {(each.day, each.model, each.provider): each for each in sums}
    assert set(found) == {(MIDNIGHT - DAY, "v/m", "p"), (MIDNIGHT, "v/m", "p"), (MIDNIGHT, "asked/m", "")}
    today = found[MIDNIGHT, "v/m", "p"]
    assert (today.requests, today.tokens, today.cost_nano, today.charged_nano) == (2, 30, 3, 2)


async def test_nothing_used_is_no_sum(store: SqlStore) -> None:
    assert await store.people.sum_usage(7, MIDNIGHT, NOW) == []


async def test_calls_are_paged_newest_first_and_filtered(store: SqlStore) -> None:
    rows = [call(MIDNIGHT + timedelta(seconds=n), model=f"v/{n % 2}", provider=f"p{n}") for n in range(4)]
    await store.usage.append_usage([*rows, call(MIDNIGHT, user_id=8)])

    async def page(model: str | None = None, provider: str | None = None, **window: Any) -> tuple[list[str], int]:
        window = {"since": MIDNIGHT, "until": MIDNIGHT + DAY, "limit": 2, "offset": 0} | window
        found, total = await store.people.page_usage(7, model=model, provider=provider, **window)
        return [row["provider"] for row in found], total

    assert await page() == (["p3", "p2"], 4)
    assert await page(offset=3) == (["p0"], 4)
    assert await page(model="v/0") == (["p2", "p0"], 2)
    assert await page(provider="p1") == (["p1"], 1)
    assert await page(since=MIDNIGHT + timedelta(seconds=3)) == (["p3"], 1)


async def test_accounts_come_with_money_profile_and_primary_key(store: SqlStore) -> None:
    rich = (await store.sign_ups.register(NewAccount(username="rich", email="rich@example.com"), NOW)).user.id
    poor = await add_user(store, "poor@example.com")
    await give(store, rich, trial=1, allowance=20, purchased=300, held=4000)
    await add_key(store, rich)
    await add_key(store, rich, "second")
    await subscribe(store, rich, "active")
    (first, second), total = await store.people.page_accounts(ALL, limit=10, offset=0)
    assert total == 2
    assert (first.user.id, first.profile.username, first.spendable) == (rich, "rich", 321)
    assert (first.subscription, first.primary_key) == ("active", ("test", "wxyz"))
    assert (second.user.id, second.spendable, second.subscription, second.primary_key) == (poor, 0, None, None)
    page, total = await store.people.page_accounts(ALL, limit=1, offset=1)
    assert ([each.user.id for each in page], total) == ([poor], 2)


@pytest.mark.parametrize(
    ("wanted", "emails"),
    [
        (UserFilter(email="EXAMPLE"), ["a@example.com", "b_c@example.com"]),
        (UserFilter(email="_"), ["b_c@example.com"]),
        (UserFilter(email="%"), []),
        (UserFilter(role="admin"), ["root@other.net"]),
        (UserFilter(is_active=False), ["b_c@example.com"]),
        (UserFilter(user_id=10**9), []),
    ],
)
async def test_accounts_are_filtered(store: SqlStore, wanted: UserFilter, emails: list[str]) -> None:
    await add_user(store, "a@example.com")
    off = await add_user(store, "b_c@example.com")
    await store.users.update_user(off, UserChanges(is_active=False), NOW)
    await add_user(store, "root@other.net", role="admin")
    accounts, total = await store.people.page_accounts(wanted, limit=10, offset=0)
    users, same = await store.people.page_users(wanted, limit=10, offset=0)
    assert [each.user.email for each in accounts] == [user.email for user in users] == emails
    assert total == same == len(emails)


async def test_the_database_says_the_same_status_as_the_gateway(store: SqlStore) -> None:
    later, earlier = NOW + DAY, NOW - DAY
    number = 0
    for subscription in (None, "active", "past_due", "canceled", "inactive"):
        for trial in (None, later, earlier):
            for plan, plan_ends in ((None, None), ("pro", None), ("pro", later), ("pro", earlier)):
                number += 1
                user_id = await add_user(store, f"u{number}@example.com", plan=plan, trial_ends_at=trial)
                if plan_ends is not None:
                    await store.users.update_user(user_id, UserChanges(plan_ends_at=plan_ends), NOW)
                if subscription is not None:
                    await subscribe(store, user_id, subscription)
    await store.sign_ups.register(NewAccount(username="bot", email="bot@example.com", is_suspect=True), NOW)
    accounts, _ = await store.people.page_accounts(ALL, limit=1000, offset=0)
    said: dict[str, int] = {}
    for each in accounts:
        word = status_word(each.user, each.subscription, NOW, is_suspect=each.profile.is_suspect)
        said[word] = said.get(word, 0) + 1
    assert set(said) == {"active", "past_due", "trial", "expired", "canceled", "inactive", "bot"}
    assert {each.status: each.users for each in await store.people.count_kinds(ALL, NOW)} == said


async def test_kinds_are_counted_with_what_they_can_spend(store: SqlStore) -> None:
    for name, amount in (("a", 5), ("b", 7)):
        await give(store, await add_user(store, f"{name}@example.com"), purchased=amount, held=100)
    await add_user(store, "root@example.com", role="admin")
    kinds = await store.people.count_kinds(ALL, NOW)
    assert {(each.role, each.is_active, each.users, each.spendable) for each in kinds} == {
        ("user", True, 2, 12),
        ("admin", True, 1, 0),
    }
    [only] = await store.people.count_kinds(UserFilter(email="a@"), NOW)
    assert (only.users, only.spendable) == (1, 5)


async def test_new_users_are_counted_from_a_moment(store: SqlStore) -> None:
    for name, at in (("a", NOW - 2 * DAY), ("b", NOW), ("c", NOW + DAY)):
        await store.users.add_user(NewUser(email=f"{name}@example.com"), at)
    assert await store.people.count_new(NOW) == (1, [NOW, NOW + DAY])


async def test_keys_are_found_for_administrators(store: SqlStore) -> None:
    owner = await add_user(store, "a@example.com")
    key_id = await add_key(store, owner)
    found = await store.people.find_key(key_id)
    assert found is not None
    assert (found.user_id, await store.people.owner_of_key(key_id)) == (owner, owner)
    changes = KeyChanges(revoked_at=NOW, is_active=False)
    await store.keys.update_key(owner, key_id, changes, action="revoke", actor="test", now=NOW)
    assert await store.people.owner_of_key(key_id) is None
    revoked = await store.people.find_key(key_id)
    assert revoked is not None
    assert revoked.revoked_at == NOW
    assert await store.people.find_key(10**9) is None
