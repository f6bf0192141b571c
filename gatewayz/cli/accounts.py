"""`gatewayz users` and `gatewayz keys`."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from gatewayz.cli.opened import with_store
from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption
from gatewayz.cli.printing import print_json
from gatewayz.config.settings import Settings
from gatewayz.domain.identity.accounts import Accounts, CreatedKey, KeyRequest
from gatewayz.domain.identity.caller import KeyLimits
from gatewayz.domain.identity.key_files import load_vault
from gatewayz.domain.identity.keys import masked_key
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.clock import SystemClock
from gatewayz.sdk.money import nano_from_usd, usd_text
from gatewayz.store.records import ApiKey, User
from gatewayz.store.sql.store import SqlStore

__all__ = ["app", "keys", "users"]

ACTOR = "cli"
ROLES = ("user", "developer", "admin")
"""Source: spec 00 §14."""

app = typer.Typer()
users = typer.Typer(no_args_is_help=True, help="People and machines with an account.")
keys = typer.Typer(no_args_is_help=True, help="API keys.")
app.add_typer(users, name="users")
app.add_typer(keys, name="keys")

UserId = Annotated[int, typer.Option("--user", min=1, help="The user's id.")]
KeyId = Annotated[int, typer.Argument(min=1, help="The key's id.")]
Count = Annotated[int | None, typer.Option(min=0)]
Tag = Annotated[str, typer.Option("--tag", help="live, test, staging or development.")]


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is printed: without hash and ciphertext."""

    key_id: int
    user_id: int
    name: str
    masked_key: str
    environment_tag: str
    is_active: bool
    is_primary: bool
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    requests_used: int
    max_requests: int | None


@users.command("create")
def create_user(
    email: str,
    *,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "user",
    plan: Annotated[str | None, typer.Option(help="Name of a plan.")] = None,
    trial_days: Annotated[float | None, typer.Option(min=0, help="Length of the trial; 0 is over already.")] = None,
    credits: Annotated[str, typer.Option(help="US dollars of purchased credit.")] = "0",
    allowance: Annotated[str, typer.Option(help="US dollars of subscription allowance.")] = "0",
    trial_credits: Annotated[str, typer.Option(help="US dollars that are spent first.")] = "0",
    tag: Tag = "live",
    config: ConfigOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a user with a first key, and print both; the key is shown only now."""
    if role not in ROLES:
        raise typer.BadParameter(f"one of {', '.join(ROLES)}", param_hint="--role")
    parts = Parts(
        trial=_dollars(trial_credits, "--trial-credits"),
        allowance=_dollars(allowance, "--allowance"),
        purchased=_dollars(credits, "--credits"),
    )

    async def work(store: SqlStore, settings: Settings) -> tuple[User, CreatedKey]:
        accounts = _accounts(store, settings)
        user = await accounts.create_user(email, role=role, plan=plan, trial_days=trial_days)
        key = await accounts.create_key(
            user.id, KeyRequest(name="Primary Key", environment_tag=tag), actor=ACTOR, maker=None
        )
        if parts.total:
            ledger = Ledger(store.ledger, SystemClock())
            await ledger.deposit(
                user.id, parts, kind="admin_credit", key=f"create:{user.id}", counter="promotions", actor=ACTOR
            )
        return user, key

    user, created = with_store(config, env, work)
    if as_json:
        print_json(
            {
                "user_id": user.id,
                "email": user.email,
                "role": user.role,
                "plan": user.plan,
                "trial_ends_at": user.trial_ends_at,
                "key_id": created.key.id,
                "api_key": created.text.reveal(),
                "balance_usd": usd_text(parts.total),
            }
        )
    else:
        print(f"user {user.id} ({user.email})\nkey  {created.text.reveal()}")
        if parts.total:
            print(f"has  ${usd_text(parts.total)}")


@users.command("list")
def list_users(
    after: Annotated[int, typer.Option(min=0, help="Show ids above this one.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    config: ConfigOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """List users in order of id."""
    found = with_store(config, env, lambda store, _settings: store.users.list_users(after=after, limit=limit))
    if as_json:
        print_json(found)
        return
    for user in found:
        print(f"{user.id}\t{user.email}\t{user.role}\t{user.plan or '-'}\t{'active' if user.is_active else 'disabled'}")


@keys.command("create")
def create_key(
    *,
    user: UserId,
    name: Annotated[str, typer.Option(help="Unique among the user's keys.")] = "Key",
    tag: Tag = "live",
    rpm: Count = None,
    rph: Count = None,
    rpd: Count = None,
    tpm: Count = None,
    tph: Count = None,
    tpd: Count = None,
    burst: Count = None,
    concurrency: Count = None,
    max_requests: Annotated[int | None, typer.Option(min=1, help="Calls over the key's life.")] = None,
    expires_days: Annotated[int | None, typer.Option(min=1)] = None,
    ip: Annotated[list[str] | None, typer.Option(help="Allowed address or CIDR range; may be repeated.")] = None,
    domain: Annotated[list[str] | None, typer.Option(help="Allowed site; may be repeated.")] = None,
    config: ConfigOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key, and print it; it is shown only now. `--rpm` is requests a minute, `--tpd` tokens a day, ..."""
    limits = KeyLimits(
        requests_per_minute=rpm,
        requests_per_hour=rph,
        requests_per_day=rpd,
        tokens_per_minute=tpm,
        tokens_per_hour=tph,
        tokens_per_day=tpd,
        burst=burst,
        concurrency=concurrency,
    )
    request = KeyRequest(
        name=name,
        environment_tag=tag,
        expires_in_days=expires_days,
        max_requests=max_requests,
        ip_allowlist=ip or (),
        domain_referrers=domain or (),
        limits=limits,
    )
    created = with_store(
        config,
        env,
        lambda store, settings: _accounts(store, settings).create_key(user, request, actor=ACTOR, maker=None),
    )
    _print_created(created, as_json)


@keys.command("list")
def list_keys(
    user: UserId,
    config: ConfigOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a user's keys, masked."""
    found = with_store(config, env, lambda store, _settings: store.keys.list_keys(user, limit=1000))
    if as_json:
        print_json([_shown(key) for key in found])
        return
    for key in found:
        state = "revoked" if key.revoked_at else "active" if key.is_active else "inactive"
        print(f"{key.id}\t{masked_key(key.environment_tag, key.sealed.last_four)}\t{key.name}\t{state}")


@keys.command("revoke")
def revoke_key(
    key: KeyId, user: UserId, config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False
) -> None:
    """Put a key out of force; every process refuses it within a second."""
    revoked = with_store(
        config,
        env,
        lambda store, settings: _accounts(store, settings).revoke_key(user, key, actor=ACTOR),
    )
    if as_json:
        print_json(_shown(revoked))
    else:
        print(f"key {revoked.id} ({revoked.name}) is revoked")


@keys.command("rotate")
def rotate_key(
    key: KeyId, user: UserId, config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False
) -> None:
    """Give a key another text, and print it; the old one stops within a second."""
    created = with_store(
        config,
        env,
        lambda store, settings: _accounts(store, settings).replace_secret(user, key, actor=ACTOR),
    )
    _print_created(created, as_json)


@keys.command("reencrypt")
def reencrypt_keys(config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Bring every kept key to the newest version of `keys.keyring`; after that the old versions may go."""
    changed = with_store(config, env, lambda store, settings: _accounts(store, settings).reencrypt_keys())
    if as_json:
        print_json({"reencrypted": changed})
    else:
        print(f"{changed} keys were encrypted anew")


@keys.command("generate")
def generate_keyring_entry() -> None:
    """Print a new Fernet key for `keys.keyring`."""
    from cryptography.fernet import Fernet  # noqa: PLC0415  (50 ms that the other commands need not wait)

    print(Fernet.generate_key().decode())


def _accounts(store: SqlStore, settings: Settings) -> Accounts:
    vault = load_vault(settings.keys, Path(settings.data_dir))
    return Accounts(store.users, store.keys, vault, SystemClock())


def _dollars(text: str, option: str) -> int:
    """Return nano-dollars. A wrong amount is an error of usage."""
    try:
        amount = nano_from_usd(text)
    except ValueError as err:
        raise typer.BadParameter(str(err), param_hint=option) from err
    if amount < 0:
        raise typer.BadParameter("an amount is not below zero", param_hint=option)
    return amount


def _print_created(created: CreatedKey, as_json: bool) -> None:
    if as_json:
        shown = msgspec.structs.asdict(_shown(created.key))
        print_json({**shown, "api_key": created.text.reveal()})
    else:
        print(created.text.reveal())


def _shown(key: ApiKey) -> _Shown:
    return _Shown(
        key_id=key.id,
        user_id=key.user_id,
        name=key.name,
        masked_key=masked_key(key.environment_tag, key.sealed.last_four),
        environment_tag=key.environment_tag,
        is_active=key.is_active,
        is_primary=key.is_primary,
        created_at=key.created_at.isoformat(),
        expires_at=key.expires_at.isoformat() if key.expires_at else None,
        last_used_at=key.last_used_at.isoformat() if key.last_used_at else None,
        requests_used=key.requests_used,
        max_requests=key.max_requests,
    )
