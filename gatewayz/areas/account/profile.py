"""Profile, settings, closing an account. Source: spec 03 §2 (cases 8.1.1 to 8.1.3, 8.1.12)."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from gatewayz.domain.identity.keys import masked_key
from gatewayz.domain.identity.mail_domains import is_of_domain
from gatewayz.domain.identity.standing import Standing, standing_of
from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound, SchemaInvalid
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.profile_records import Profile, ProfileChanges, public_email
from gatewayz.store.records import User
from gatewayz.web.bodies import read_json
from gatewayz.web.routes import Call

__all__ = ["change_profile", "close_account", "find_me", "find_standing", "show_key", "show_profile"]

_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,252}\.[^\s@.\x00-\x1f\x7f]{2,63}")
_USERNAME: Final = re.compile(r"[A-Za-z0-9._-]{2,80}")
_DOCUMENT_BYTES: Final = 16_384
_CENT: Final = NANO_PER_USD // 100


class ProfileBody(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /user/profile`."""

    name: str | UnsetType = UNSET
    username: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    preferences: Mapping[str, Any] | UnsetType = UNSET
    settings: Mapping[str, Any] | UnsetType = UNSET


class ClosingBody(msgspec.Struct, frozen=True, kw_only=True):
    """`DELETE /user/account`."""

    confirmation: str = ""


async def find_me(call: Call) -> tuple[User, Profile]:
    """Return who calls. Raises ResourceNotFound."""
    user = await call.services.store.users.find_user(call.user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND")
    return user, await call.services.store.sign_ups.find_profile(user)


async def find_standing(call: Call, user: User, profile: Profile) -> Standing:
    """Return where the caller stands."""
    services, rules = call.services, call.edition.settings.subscriptions
    subscription = await services.store.payments.find_subscription(user.id)
    return standing_of(user, profile, subscription, rules, services.clock.now())


async def show_key(call: Call) -> str | None:
    """Return the calling key, masked."""
    if call.caller.key_id is None:
        return None
    key = await call.services.store.keys.find_key(call.user_id, call.caller.key_id)
    return None if key is None else masked_key(key.environment_tag, key.sealed.last_four)


async def show_profile(call: Call) -> dict[str, Any]:
    """Return the caller's profile."""
    user, profile = await find_me(call)
    services = call.services
    balances = await services.ledger.balances(user.id)
    now = services.clock.now()
    standing = await find_standing(call, user, profile)
    plan = call.edition.plans.named(user.plan, user.plan_ends_at)
    return {
        "user_id": user.id,
        "api_key": await show_key(call),
        "credits": balances.spendable / NANO_PER_USD,
        "subscription_allowance": balances.allowance // _CENT,
        "purchased_credits": (balances.trial + balances.purchased) // _CENT,
        "total_credits": balances.spendable // _CENT,
        "allowance_reset_date": standing.allowance_reset_at,
        "username": profile.username,
        "name": profile.name,
        "email": public_email(user.email),
        "auth_method": profile.auth_method,
        "subscription_status": standing.status,
        "tier": standing.tier,
        "tier_display_name": standing.tier_name,
        "trial_expires_at": user.trial_ends_at,
        "subscription_end_date": standing.ends_at,
        "is_active": user.is_active,
        "registration_date": user.created_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "preferences": profile.preferences,
        "settings": profile.settings,
        "trial": {
            "is_active": user.trial_ends_at is not None and user.trial_ends_at > now,
            "ends_at": user.trial_ends_at,
        },
        "plan": {"plan_id": plan.id, "plan_name": plan.name, "features": plan.features},
    }


async def change_profile(call: Call) -> dict[str, Any]:
    """Change what the body names, and return the profile. Raises Conflict for a taken address or name."""
    body = await read_json(ProfileBody)
    if all(value is UNSET for value in msgspec.structs.asdict(body).values()):
        raise InvalidRequest("There is nothing to change in this body.", param="body")
    if body.email is not UNSET:
        if _EMAIL.fullmatch(body.email) is None:
            raise SchemaInvalid("email: this is not an e-mail address.", param="email")
        if is_of_domain(body.email, call.edition.settings.mail_domains.blocked):
            raise InvalidRequest("Addresses of this mail domain get no account.", code="EMAIL_BLOCKED", param="email")
    if body.username is not UNSET and _USERNAME.fullmatch(body.username) is None:
        raise SchemaInvalid("username: 2 to 80 letters, digits, '.', '_', '-'.", param="username")
    if body.name is not UNSET and not (0 < len(body.name) <= 200 and body.name.isprintable()):
        raise SchemaInvalid("name: 1 to 200 printable characters.", param="name")
    for param in ("preferences", "settings"):
        if (value := getattr(body, param)) is not UNSET and len(msgspec.json.encode(value)) > _DOCUMENT_BYTES:
            raise SchemaInvalid(f"{param}: more than {_DOCUMENT_BYTES} bytes.", param=param)
    services = call.services
    changes = ProfileChanges(**msgspec.structs.asdict(body))
    await services.store.sign_ups.change_profile(call.user_id, changes, services.clock.now())
    await services.authenticator.catch_up()
    return await show_profile(call)


async def close_account(call: Call) -> dict[str, Any]:
    """Put the caller's account out of force."""
    body = await read_json(ClosingBody, default=ClosingBody())
    if body.confirmation != "DELETE_ACCOUNT":
        raise InvalidRequest("confirmation must be DELETE_ACCOUNT.", param="confirmation")
    services = call.services
    now = services.clock.now()
    await services.store.sign_ups.close_account(call.user_id, now)
    await services.authenticator.catch_up()
    return {"status": "success", "message": "Your account is closed.", "user_id": call.user_id, "timestamp": now}
