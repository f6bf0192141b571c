import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.identity.accounts import DEFAULT_SCOPES, Accounts, KeyEdits, KeyRequest
from gatewayz.domain.identity.authenticator import Authenticator
from gatewayz.domain.identity.caller import Caller, KeyLimits
from gatewayz.domain.identity.keys import KeyUnreadable, KeyVault
from gatewayz.sdk.errors import AuthenticationFailed, Conflict, InvalidRequest, PermissionRefused, ResourceNotFound
from gatewayz.sdk.secret import Secret
from gatewayz.store.open import open_store
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url

RING = {version: Secret(Fernet.generate_key().decode()) for version in (1, 2)}
VAULT = KeyVault(Secret("s" * 32), RING, 1, os.urandom)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    store = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False))
    yield store
    await store.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def accounts(store: SqlStore, clock: FakeClock) -> Accounts:
    return Accounts(store.users, store.keys, VAULT, clock)


@pytest.fixture
async def user_id(accounts: Accounts) -> int:
    return (await accounts.create_user(" ann@example.com ", trial_days=3)).id


async def make(accounts: Accounts, user_id: int, maker: Caller | None = None, **request: object) -> Caller:
    created = await accounts.create_key(user_id, KeyRequest(**{"name": "k"} | request), actor="cli", maker=maker)  # type: ignore[arg-type]
    return Caller(user_id=user_id, key_id=created.key.id, scopes={a: tuple(r) for a, r in created.key.scopes.items()})


@pytest.mark.parametrize(
    "email", ["", "ann", "a@b", "a b@example.com", "a@example.com\n", "@example.com", "a@@example.com"]
)
async def test_what_is_no_address(accounts: Accounts, email: str) -> None:
    if email.endswith("\n"):
        assert (await accounts.create_user(email)).email == email.strip()
        return
    with pytest.raises(InvalidRequest) as caught:
        await accounts.create_user(email)
    assert caught.value.param == "email"


async def test_a_trial_may_be_over_from_the_start(accounts: Accounts, clock: FakeClock) -> None:
    over = await accounts.create_user("over@example.com", trial_days=0)
    assert over.trial_ends_at == clock.now()
    running = await accounts.create_user("running@example.com", trial_days=3)
    assert running.trial_ends_at == clock.now() + timedelta(days=3)
    assert (await accounts.create_user("paying@example.com")).trial_ends_at is None


async def test_a_new_key_opens_and_carries_what_was_asked(
    accounts: Accounts, store: SqlStore, clock: FakeClock, user_id: int
) -> None:
    request = KeyRequest(
        name="  laptop ",
        environment_tag="test",
        expires_in_days=7,
        max_requests=3,
        ip_allowlist=["10.1.2.3/8"],
        domain_referrers=["Example.com"],
        limits=KeyLimits(requests_per_minute=5),
    )
    created = await accounts.create_key(user_id, request, actor="cli", maker=None)
    caller = await Authenticator(store.identity, VAULT, clock).load(created.text.reveal().encode())
    assert created.text.reveal().startswith("gw_test_")
    assert created.key.name == "laptop"
    assert (caller.user_id, caller.environment_tag, caller.max_requests) == (user_id, "test", 3)
    assert caller.expires_at == clock.now() + timedelta(days=7)
    assert [str(network) for network in caller.ip_allowlist] == ["10.0.0.0/8"]
    assert caller.domain_referrers == ("example.com",)
    assert caller.limits == KeyLimits(requests_per_minute=5)
    assert caller.scopes == DEFAULT_SCOPES
    assert caller.is_primary
    assert caller.is_trial
    assert await accounts.reveal_key(user_id, created.key.id) == created.text


@pytest.mark.parametrize(
    ("request_fields", "param"),
    [
        ({"name": " "}, "key_name"),
        ({"name": "x" * 201}, "key_name"),
        ({"name": "a\x00b"}, "key_name"),
        ({"environment_tag": "prod"}, "environment_tag"),
        ({"expires_in_days": 0}, "expiration_days"),
        ({"expires_in_days": 10**9}, "expiration_days"),
        ({"max_requests": 0}, "max_requests"),
        ({"ip_allowlist": ["nowhere"]}, "ip_allowlist[0]"),
        ({"domain_referrers": ["https://x"]}, "domain_referrers[0]"),
        ({"scopes": {"root": ["*"]}}, "scope_permissions"),
        ({"limits": KeyLimits(tokens_per_day=-1)}, "tokens_per_day"),
    ],
)
async def test_keys_that_are_not_made(
    accounts: Accounts, user_id: int, request_fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await make(accounts, user_id, **request_fields)
    assert caught.value.param == param
    assert await accounts.list_keys(user_id) == []


async def test_a_key_cannot_widen_itself(accounts: Accounts, user_id: int) -> None:
    narrow = Caller(user_id=user_id, key_id=1, scopes={"read": ("models", "usage")})
    heir = await make(accounts, user_id, narrow)
    assert heir.scopes == {"read": ("models", "usage")}
    assert (await make(accounts, user_id, narrow, name="b", scopes={"read": ["usage"]})).scopes == {"read": ("usage",)}
    assert (await make(accounts, user_id, narrow, name="c", scopes={})).scopes == {}
    for wider in ({"read": ["*"]}, {"write": ["models"]}, {"admin": ["*"]}):
        with pytest.raises(PermissionRefused):
            await make(accounts, user_id, narrow, name="d", scopes=wider)
        with pytest.raises(PermissionRefused):
            await accounts.update_key(user_id, heir.key_id or 0, KeyEdits(scopes=wider), actor="x", maker=narrow)


async def test_edits_change_what_they_name(accounts: Accounts, clock: FakeClock, user_id: int) -> None:
    caller = await make(accounts, user_id, expires_in_days=3, max_requests=9)
    edits = KeyEdits(name="new", expires_in_days=None, limits=KeyLimits(burst=2), is_active=False)
    changed = await accounts.update_key(user_id, caller.key_id or 0, edits, actor="x", maker=None)
    assert (changed.name, changed.expires_at, changed.max_requests) == ("new", None, 9)
    assert (changed.limits, changed.is_active) == ({"burst": 2}, False)
    await make(accounts, user_id, name="other")
    with pytest.raises(Conflict):
        await accounts.update_key(user_id, caller.key_id or 0, KeyEdits(name="other"), actor="x", maker=None)


async def test_the_next_key_after_a_revoked_primary_one_is_primary(accounts: Accounts, user_id: int) -> None:
    caller = await make(accounts, user_id)
    revoked = await accounts.revoke_key(user_id, caller.key_id or 0, actor="cli")
    assert (revoked.is_primary, revoked.is_active) == (False, False)
    await make(accounts, user_id, name="next")
    assert [key.is_primary for key in await accounts.list_keys(user_id)] == [False, True]


async def test_another_secret_replaces_the_old_one(
    accounts: Accounts, store: SqlStore, clock: FakeClock, user_id: int
) -> None:
    first = await accounts.create_key(user_id, KeyRequest(name="k"), actor="cli", maker=None)
    auth = Authenticator(store.identity, VAULT, clock)
    await auth.catch_up()
    await auth.load(first.text.reveal().encode())
    second = await accounts.replace_secret(user_id, first.key.id, actor="cli")
    await auth.catch_up()
    with pytest.raises(AuthenticationFailed):
        await auth.authenticate(first.text.reveal().encode())
    assert (await auth.authenticate(second.text.reveal().encode())).key_id == first.key.id
    await accounts.revoke_key(user_id, first.key.id, actor="cli")
    with pytest.raises(ResourceNotFound):
        await accounts.replace_secret(user_id, first.key.id, actor="cli")


async def test_somebody_elses_key_answers_like_a_missing_one(accounts: Accounts, user_id: int) -> None:
    caller = await make(accounts, user_id)
    other = (await accounts.create_user("other@example.com")).id
    for key_id in (caller.key_id or 0, 12345):
        for attempt in (
            accounts.reveal_key(other, key_id),
            accounts.revoke_key(other, key_id, actor="x"),
            accounts.replace_secret(other, key_id, actor="x"),
            accounts.update_key(other, key_id, KeyEdits(name="mine"), actor="x", maker=None),
        ):
            with pytest.raises(ResourceNotFound) as caught:
                await attempt
            assert caught.value.message == "There is no such key."
    with pytest.raises(ResourceNotFound):
        await make(accounts, 999)


async def test_every_key_moves_to_the_new_version(store: SqlStore, clock: FakeClock, user_id: int) -> None:
    old = Accounts(store.users, store.keys, VAULT, clock)
    made = [await old.create_key(user_id, KeyRequest(name=str(n)), actor="x", maker=None) for n in range(5)]
    new = Accounts(store.users, store.keys, KeyVault(Secret("s" * 32), RING, 2), clock)
    assert await new.reencrypt_keys() == 5
    assert await new.reencrypt_keys() == 0
    only_new = Accounts(store.users, store.keys, KeyVault(Secret("s" * 32), {2: RING[2]}, 2), clock)
    for created in made:
        assert await only_new.reveal_key(user_id, created.key.id) == created.text
    await old.create_key(user_id, KeyRequest(name="late"), actor="x", maker=None)
    with pytest.raises(KeyUnreadable):
        await only_new.reencrypt_keys()
