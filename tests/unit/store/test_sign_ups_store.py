import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gatewayz.sdk.errors import Conflict
from gatewayz.store.profile_records import NewAccount, SignedIn, public_email
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def account(username: str = "ann", email: str | None = "ann@example.com", *, verified: bool = True) -> NewAccount:
    return NewAccount(username=username, email=email, is_email_verified=verified)


async def make_admin(store: SqlStore, name: str) -> SignedIn:
    made = await store.sign_ups.register(account(name, f"{name}@example.com"), NOW)
    await store.roles.set_role(made.user.id, "admin", actor="test", reason=None, now=NOW)
    return made


async def test_parallel_first_sign_ins_are_one_account_with_one_founder(store: SqlStore) -> None:
    found = await asyncio.gather(*(store.sign_ups.sign_in("privy", "did:1", account(), NOW) for _ in range(5)))
    assert len({each.user.id for each in found}) == 1
    assert [each.is_new for each in found].count(True) == 1


async def test_an_unverified_address_leads_to_nobody(store: SqlStore) -> None:
    owner = await store.sign_ups.sign_in("privy", "did:1", account(), NOW)
    other = await store.sign_ups.sign_in("oidc", "did:2", account(verified=False), NOW)
    assert other.user.id != owner.user.id
    assert public_email(other.user.email) is None
    assert not other.profile.is_email_verified


async def test_a_verified_address_leads_to_its_account(store: SqlStore) -> None:
    owner = await store.sign_ups.sign_in("privy", "did:1", account(), NOW)
    again = await store.sign_ups.sign_in("oidc", "did:2", account("someone"), NOW)
    assert (again.user.id, again.is_new) == (owner.user.id, False)


async def test_who_proves_an_address_takes_it_from_who_claimed_it(store: SqlStore) -> None:
    squatter = await store.sign_ups.register(account("squatter", verified=False), NOW)
    owner = await store.sign_ups.sign_in("privy", "did:1", account(), NOW)
    assert owner.user.id != squatter.user.id
    found = await store.users.find_user_by_email("ann@example.com")
    assert found is not None
    assert found.id == owner.user.id


async def test_a_taken_user_name_gets_a_suffix_or_is_refused(store: SqlStore) -> None:
    await store.sign_ups.register(account(), NOW)
    other = await store.sign_ups.register(account("ANN", "other@example.com"), NOW)
    assert other.profile.username.startswith("ANN_")
    with pytest.raises(Conflict) as caught:
        await store.sign_ups.register(
            NewAccount(username="Ann", must_keep_username=True, email="third@example.com"), NOW
        )
    assert caught.value.param == "username"


async def test_the_last_administrator_stays(store: SqlStore) -> None:
    admin = (await make_admin(store, "root")).user.id
    with pytest.raises(Conflict):
        await store.roles.set_role(admin, "user", actor="test", reason=None, now=NOW)
    with pytest.raises(Conflict):
        await store.roles.set_active(admin, False, actor="test", now=NOW)
    with pytest.raises(Conflict):
        await store.sign_ups.close_account(admin, NOW)


async def test_two_administrators_who_leave_together_do_not_both(store: SqlStore) -> None:
    ids = [(await make_admin(store, name)).user.id for name in ("one", "two")]
    left = await asyncio.gather(
        *(store.roles.set_role(each, "user", actor="test", reason=None, now=NOW) for each in ids),
        return_exceptions=True,
    )
    assert sum(isinstance(each, Conflict) for each in left) == 1, left


async def test_changes_of_roles_are_written_down_newest_first(store: SqlStore) -> None:
    await make_admin(store, "one")
    two = await make_admin(store, "two")
    await store.roles.set_role(two.user.id, "user", actor="one", reason="left", now=NOW)
    first, *_ = await store.roles.list_role_changes(two.user.id, 10)
    assert (first.previous_role, first.new_role, first.changed_by, first.reason) == ("admin", "user", "one", "left")


async def test_a_reset_token_works_once_and_in_time(store: SqlStore) -> None:
    user = (await store.sign_ups.register(account(), NOW)).user.id
    await store.sign_ups.add_reset_token(b"a" * 32, user, NOW + timedelta(hours=1))
    assert not await store.sign_ups.use_reset_token(b"a" * 32, NOW + timedelta(hours=2))
    used = await asyncio.gather(*(store.sign_ups.use_reset_token(b"a" * 32, NOW) for _ in range(3)))
    assert sorted(used) == [False, False, True]


async def test_a_closed_account_is_forgotten(store: SqlStore) -> None:
    first = await store.sign_ups.sign_in("privy", "did:1", account(), NOW)
    await store.sign_ups.close_account(first.user.id, NOW)
    assert await store.users.find_user_by_email("ann@example.com") is None
    again = await store.sign_ups.sign_in("privy", "did:1", account(), NOW)
    assert again.is_new
    assert again.user.id != first.user.id
