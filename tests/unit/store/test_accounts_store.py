import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import text

from gatewayz.sdk.errors import Conflict, ResourceNotFound
from gatewayz.store.records import KeyChanges, KeyUse, NewKey, NewUser, Sealed, User, UserChanges
from gatewayz.store.sql import feed
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def new_key(user: User, name: str = "first", *, byte: int = 1) -> NewKey:
    return NewKey(
        user_id=user.id,
        name=name,
        environment_tag="live",
        sealed=Sealed(lookup_hash=bytes([byte]) * 32, ciphertext=b"sealed", cipher_version=1, last_four="wxyz"),
        expires_at=NOW + timedelta(days=1),
        max_requests=10,
        ip_allowlist=("10.0.0.0/8",),
        domain_referrers=("example.com",),
        scopes={"read": ("*",)},
        limits={"requests_per_minute": 5},
    )


@pytest.fixture
async def user(store: SqlStore) -> User:
    return await store.users.add_user(NewUser(email="Ann@Example.com", plan="pro", trial_ends_at=NOW), NOW)


async def test_an_address_is_one_user_in_any_spelling(store: SqlStore, user: User) -> None:
    with pytest.raises(Conflict) as caught:
        await store.users.add_user(NewUser(email="ann@eXample.COM"), NOW)
    assert caught.value.param == "email"
    assert await store.users.find_user_by_email("ANN@example.com") == user
    assert await store.users.find_user(user.id) == user
    assert user.email == "Ann@Example.com"
    assert user.trial_ends_at == NOW
    assert await store.users.find_user(999) is None


async def test_parallel_registrations_make_one_user(store: SqlStore) -> None:
    made = await asyncio.gather(
        *(store.users.add_user(NewUser(email="x@example.com"), NOW) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(result, User) for result in made) == 1
    assert sum(isinstance(result, Conflict) for result in made) == 7


async def test_users_change_and_the_feed_tells(store: SqlStore, user: User) -> None:
    changed = await store.users.update_user(user.id, UserChanges(role="admin", plan=None), NOW + timedelta(hours=1))
    assert changed == msgspec.structs.replace(user, role="admin", plan=None, updated_at=NOW + timedelta(hours=1))
    assert [change.user_id for change in await store.identity.list_identity_changes(0)] == [user.id]
    assert await store.users.update_user(999, UserChanges(role="admin"), NOW) is None
    await store.users.add_user(NewUser(email="taken@example.com"), NOW)
    with pytest.raises(Conflict):
        await store.users.update_user(user.id, UserChanges(email="Taken@example.com"), NOW)
    assert [found.id for found in await store.users.list_users(after=user.id)] == [user.id + 1]


async def test_a_key_is_found_with_its_user(store: SqlStore, user: User) -> None:
    key = await store.keys.add_key(new_key(user), "cli", NOW)
    holder = await store.identity.find_holder(b"\x01" * 32)
    assert holder is not None
    assert holder.user == user
    assert holder.key == key
    assert key.is_primary
    assert key.ip_allowlist == ("10.0.0.0/8",)
    assert key.scopes == {"read": ("*",)}
    assert key.expires_at == NOW + timedelta(days=1)
    assert await store.identity.find_holder(b"\x02" * 32) is None


async def test_only_the_first_of_parallel_keys_is_primary(store: SqlStore, user: User) -> None:
    keys = await asyncio.gather(
        *(store.keys.add_key(new_key(user, f"key {byte}", byte=byte), "cli", NOW) for byte in range(6))
    )
    assert sum(key.is_primary for key in keys) == 1


async def test_names_are_unique_for_each_user(store: SqlStore, user: User) -> None:
    await store.keys.add_key(new_key(user), "cli", NOW)
    with pytest.raises(Conflict) as caught:
        await store.keys.add_key(new_key(user, byte=2), "cli", NOW)
    assert caught.value.param == "key_name"
    other = await store.users.add_user(NewUser(email="other@example.com"), NOW)
    await store.keys.add_key(new_key(other, byte=3), "cli", NOW)
    with pytest.raises(ResourceNotFound):
        await store.keys.add_key(msgspec.structs.replace(new_key(user, byte=4), user_id=999), "cli", NOW)


async def test_somebody_elses_key_is_not_there(store: SqlStore, user: User) -> None:
    key = await store.keys.add_key(new_key(user), "cli", NOW)
    other = await store.users.add_user(NewUser(email="other@example.com"), NOW)
    assert await store.keys.find_key(other.id, key.id) is None
    changes = KeyChanges(is_active=False)
    assert await store.keys.update_key(other.id, key.id, changes, action="revoke", actor="x", now=NOW) is None
    assert await store.keys.list_keys(other.id) == []
    found = await store.keys.find_key(user.id, key.id)
    assert found is not None
    assert found.is_active


async def test_a_change_is_audited_and_told(store: SqlStore, user: User) -> None:
    key = await store.keys.add_key(new_key(user), "cli", NOW)
    changed = await store.keys.update_key(
        user.id,
        key.id,
        KeyChanges(name="renamed", scopes={}, ip_allowlist=()),
        action="update",
        actor="user:1",
        now=NOW,
    )
    assert changed == msgspec.structs.replace(key, name="renamed", scopes={}, ip_allowlist=())
    other = Sealed(lookup_hash=b"\x09" * 32, ciphertext=b"other", cipher_version=2, last_four="9999")
    rotated = await store.keys.update_key(
        user.id, key.id, KeyChanges(sealed=other), action="rotate", actor="user:1", now=NOW
    )
    assert rotated is not None
    assert rotated.sealed == other
    audit = await store.keys.list_audit(user.id)
    assert [(entry.action, entry.actor) for entry in audit] == [
        ("rotate", "user:1"),
        ("update", "user:1"),
        ("create", "cli"),
    ]
    assert audit[1].details == {"name": "renamed", "scopes": {}, "ip_allowlist": []}
    assert b"other" not in msgspec.json.encode(audit)
    assert [entry.id for entry in await store.keys.list_audit(user.id, before=audit[0].id, limit=1)] == [audit[1].id]
    assert await store.identity.identity_revision() == 2


async def test_uses_are_added_and_are_no_change(store: SqlStore, user: User) -> None:
    key = await store.keys.add_key(new_key(user), "cli", NOW)
    later = NOW + timedelta(minutes=1)
    await store.identity.record_uses([KeyUse(key_id=key.id, requests=3, last_used_at=NOW)])
    await store.identity.record_uses([KeyUse(key_id=key.id, requests=4, last_used_at=later)])
    found = await store.keys.find_key(user.id, key.id)
    assert found is not None
    assert (found.requests_used, found.last_used_at) == (7, later)
    assert await store.identity.identity_revision() == 0


async def test_uses_are_leased_up_to_the_bound_and_no_further(store: SqlStore, user: User) -> None:
    key = await store.keys.add_key(msgspec.structs.replace(new_key(user), max_requests=100), "cli", NOW)
    leases = await asyncio.gather(*(store.identity.lease_uses(key.id, 32) for _ in range(80)))
    assert sum(leases) == 100 and max(leases) == 12 and leases.count(0) > 20
    await store.identity.return_uses(key.id, 7)
    assert await store.identity.lease_uses(key.id, 32) == 1
    found = await store.keys.find_key(user.id, key.id)
    assert found is not None and found.requests_used == 94
    assert await store.identity.lease_uses(999, 32) == 0


async def test_parallel_changes_are_told_in_order_without_a_gap(store: SqlStore, user: User) -> None:
    seen = 0
    told: list[int] = []

    async def follow() -> None:
        nonlocal seen
        while len(told) < 30:
            for change in await store.identity.list_identity_changes(seen):
                assert change.user_id == user.id
                told.append(change.revision)
                seen = change.revision
            await asyncio.sleep(0.001)

    follower = asyncio.create_task(follow())
    await asyncio.gather(*(store.users.update_user(user.id, UserChanges(plan=str(n)), NOW) for n in range(30)))
    await asyncio.wait_for(follower, 10)
    assert told == list(range(1, 31))


async def test_a_follower_that_is_too_far_behind_forgets_everybody(
    store: SqlStore, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "FEED_LENGTH", 3)
    for number in range(6):
        await store.users.update_user(user.id, UserChanges(plan=str(number)), NOW)
    assert [change.revision for change in await store.identity.list_identity_changes(3)] == [4, 5, 6]
    changes = await store.identity.list_identity_changes(1)
    assert [(change.revision, change.user_id) for change in changes] == [(6, None)]
    restored = await store.identity.list_identity_changes(99)
    assert [(change.revision, change.user_id) for change in restored] == [(6, None)]


async def test_resealing_leaves_what_was_changed_meanwhile(store: SqlStore, user: User) -> None:
    key = await store.keys.add_key(new_key(user), "cli", NOW)
    assert await store.keys.list_sealed_before(1, after=0, limit=10) == []
    assert await store.keys.list_sealed_before(2, after=0, limit=10) == [(key.id, key.sealed)]
    new = msgspec.structs.replace(key.sealed, ciphertext=b"new", cipher_version=2)
    stale = msgspec.structs.replace(key.sealed, ciphertext=b"something else")
    assert await store.keys.reseal({key.id: (stale, new)}) == 0
    assert await store.keys.reseal({key.id: (key.sealed, new)}) == 1
    assert await store.keys.list_sealed_before(2, after=0, limit=10) == []


async def test_moments_without_a_zone_are_refused(store: SqlStore) -> None:
    with pytest.raises(Exception, match="without a time zone"):
        await store.users.add_user(NewUser(email="z@example.com"), datetime(2026, 1, 1))  # noqa: DTZ001


async def test_the_store_says_whether_it_answers(store: SqlStore) -> None:
    assert await store.check() is None
    await store.database.write(lambda session: session.execute(text("DROP TABLE identity_changes")))
    assert await store.check() is None


async def test_everybody_can_be_meant_between_other_changes(store: SqlStore, user: User) -> None:
    before = await store.identity.identity_revision()
    await store.users.update_user(user.id, UserChanges(plan="one"), NOW)
    await store.identity.forget_everybody(NOW)
    await store.users.update_user(user.id, UserChanges(plan="two"), NOW)
    told = await store.identity.list_identity_changes(before)
    assert [change.user_id for change in told] == [user.id, None, user.id]
