import asyncio
from datetime import UTC, datetime

import pytest

from gatewayz.sdk.errors import Conflict
from gatewayz.store.profile_records import NewAccount, ProfileChanges
from gatewayz.store.records import NewKey, NewUser, Sealed
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
BOSS = "boss@example.com"


async def promote(store: SqlStore) -> str | None:
    change = await store.roles.promote_verified("Boss@Example.com", actor="config", reason="named", now=NOW)
    return None if change is None else change.previous_role


async def sign_in(store: SqlStore, *, verified: bool) -> int:
    account = NewAccount(username="boss", email=BOSS, is_email_verified=verified)
    return (await store.sign_ups.sign_in("privy", "did:boss", account, NOW)).user.id


async def add_user(store: SqlStore, email: str, role: str = "user") -> int:
    return (await store.users.add_user(NewUser(email=email, role=role), NOW)).id


async def test_the_named_address_is_promoted_once_however_many_ask(store: SqlStore) -> None:
    user_id = await sign_in(store, verified=True)
    seen = await store.identity.identity_revision()
    asked = await asyncio.gather(*(promote(store) for _ in range(4)))
    assert sorted(asked, key=str) == [None, None, None, "user"]
    [change] = await store.roles.list_role_changes(user_id, 10)
    assert (change.new_role, change.changed_by, change.reason) == ("admin", "config", "named")
    assert [each.user_id for each in await store.identity.list_identity_changes(seen)] == [user_id]


async def test_an_operators_account_has_its_address_vouched_for(store: SqlStore) -> None:
    await add_user(store, BOSS)
    assert await promote(store) == "user"


@pytest.mark.parametrize("claimed_by", ["sign-in", "registration", "profile"])
async def test_who_only_claims_the_address_is_not_promoted(store: SqlStore, claimed_by: str) -> None:
    if claimed_by == "sign-in":
        await sign_in(store, verified=False)
    elif claimed_by == "registration":
        await store.sign_ups.register(NewAccount(username="boss", email=BOSS), NOW)
    else:
        user_id = await add_user(store, "other@example.com")
        await store.sign_ups.change_profile(user_id, ProfileChanges(email=BOSS), NOW)
    assert await promote(store) is None


async def test_an_account_that_is_switched_off_is_not_promoted(store: SqlStore) -> None:
    user_id = await sign_in(store, verified=True)
    await store.roles.set_active(user_id, False, actor="test", now=NOW)
    assert await promote(store) is None


async def test_switching_is_written_down_and_announced(store: SqlStore) -> None:
    user_id = await add_user(store, "a@example.com")
    seen = await store.identity.identity_revision()
    assert not (await store.roles.set_active(user_id, False, actor="user:7", now=NOW)).is_active
    [entry] = await store.keys.list_audit(user_id)
    assert (entry.action, entry.actor, entry.key_id) == ("account_disabled", "user:7", None)
    assert [each.user_id for each in await store.identity.list_identity_changes(seen)] == [user_id]


async def test_a_domain_is_switched_off_but_for_administrators(store: SqlStore) -> None:
    mine = [await add_user(store, email) for email in ("a@bad.example", "b@MX.Bad.Example")]
    await add_user(store, "c@notbad.example")
    await add_user(store, "bad.example@example.com")
    await add_user(store, "root@bad.example", "admin")
    assert [user.id for user in await store.roles.list_of_domain("Bad.Example", 10)] == mine
    off = await store.roles.disable_domain("bad.example", 10, actor="test", now=NOW)
    assert [user.id for user in off] == mine
    assert await store.roles.list_of_domain("bad.example", 10) == []


async def test_a_domain_is_no_pattern(store: SqlStore) -> None:
    await add_user(store, "a@bad.example")
    assert await store.roles.list_of_domain("%", 10) == []
    assert await store.roles.list_of_domain("___.example", 10) == []


async def test_the_last_administrator_is_not_switched_off(store: SqlStore) -> None:
    admin = await add_user(store, "root@example.com", "admin")
    with pytest.raises(Conflict):
        await store.roles.set_active(admin, False, actor="test", now=NOW)


async def test_who_holds_a_key_is_known_to_have_a_temporary_address(store: SqlStore) -> None:
    marked = NewAccount(username="bot", email="bot@example.com", is_suspect=True)
    user_id = (await store.sign_ups.register(marked, NOW)).user.id
    for owner, mark in ((user_id, True), (await add_user(store, "fine@example.com"), False)):
        lookup_hash = bytes([owner]) * 32
        sealed = Sealed(lookup_hash=lookup_hash, ciphertext=b"c", cipher_version=1, last_four="abcd")
        key = NewKey(user_id=owner, name="k", environment_tag="live", sealed=sealed)
        await store.keys.add_key(key, "test", NOW)
        holder = await store.identity.find_holder(lookup_hash)
        assert holder is not None
        assert holder.is_suspect is mark
