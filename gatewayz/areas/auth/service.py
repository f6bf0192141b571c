"""Signing in, registering, resetting. Source: spec 03 §1 (cases 2.1 to 2.6)."""

import re
from collections.abc import Mapping
from datetime import timedelta
from secrets import token_urlsafe
from time import perf_counter
from typing import Any, Final

from gatewayz.areas.auth.schema import RegisterBody, SignInBody
from gatewayz.config.settings import Settings
from gatewayz.domain.identity.accounts import DEFAULT_SCOPES
from gatewayz.domain.identity.named_admin import promote_named_admin
from gatewayz.domain.identity.sign_in import SignIn, token_hash, verify_identity
from gatewayz.domain.identity.standing import standing_of
from gatewayz.domain.mail import Mail
from gatewayz.domain.partners.partners import Partner, find_partner
from gatewayz.sdk.errors import AuthenticationFailed, InvalidRequest, RequestError, SchemaInvalid, UpstreamError
from gatewayz.sdk.identity import IdentityProvider
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.profile_records import SignedIn, public_email
from gatewayz.store.records import User
from gatewayz.web.services import Services

__all__ = ["check_auth", "register", "request_reset", "reset_password", "send_welcome", "sign_in"]

RESET_LIFETIME: Final = timedelta(hours=1)
_EMAIL: Final = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,252}\.[^\s@.\x00-\x1f\x7f]{2,63}")
_USERNAME: Final = re.compile(r"[A-Za-z0-9._-]{2,80}")
_CENT: Final = NANO_PER_USD // 100


async def sign_in(
    body: SignInBody, services: Services, settings: Settings, providers: Mapping[str, IdentityProvider], address: str
) -> dict[str, Any]:
    """Return the account and key of whoever the token is about."""
    try:
        provider, identity = await verify_identity(providers, body.token or body.privy_access_token)
    except UpstreamError as err:
        raise InvalidSignInState(err.message, retry_after_s=5.0) from err
    if identity.subject != body.user.id:
        raise AuthenticationFailed("The identity token is another user's.", code="INVALID_IDENTITY_TOKEN")
    now = services.clock.now()
    service = SignIn(services.store.sign_ups, services.accounts, settings.mail_domains, now)
    entered = await service.enter(provider, identity, hint=_hint(body))
    await _promote(entered.user, services, settings)
    if entered.is_founder:
        await _start_trial(entered.user, services, settings, address)
    referral = await _refer(entered, body.referral_code, services, settings)
    user = await services.store.users.find_user(entered.user.id) or entered.user
    wants_key = body.auto_create_api_key is not False or not entered.is_new
    key = (await service.primary_key(user, body.environment_tag or "live")).reveal() if wants_key else None
    return {
        "success": True,
        "message": "Your account has been made." if entered.is_new else "You are signed in.",
        "api_key": key,
        "privy_user_id": identity.subject,
        "is_new_user": entered.is_new,
        **referral,
        **await _account(user, entered, services, settings),
    }


async def register(body: RegisterBody, services: Services, settings: Settings, address: str) -> dict[str, Any]:
    """Make an account, and hand out its key at once."""
    if _EMAIL.fullmatch(body.email) is None:
        raise SchemaInvalid("email: this is not an e-mail address.", param="email")
    if _USERNAME.fullmatch(body.username) is None:
        raise SchemaInvalid("username: 2 to 80 letters, digits, '.', '_', '-'.", param="username")
    if body.environment_tag not in ("live", "test", "staging", "development"):
        raise InvalidRequest("environment_tag is one of live, test, staging, development.", param="environment_tag")
    service = SignIn(services.store.sign_ups, services.accounts, settings.mail_domains, services.clock.now())
    try:
        made = await service.register(body.username, body.email, body.auth_method)
    except RequestError as err:
        raise InvalidRequest(err.message, code=err.code, param=err.param) from err
    await _start_trial(made.user, services, settings, address)
    referral = await _refer(made, body.referral_code, services, settings)
    user = await services.store.users.find_user(made.user.id) or made.user
    key = await service.primary_key(user, body.environment_tag, name=body.key_name)
    return {
        "message": "Your account has been made.",
        "api_key": key.reveal(),
        "username": made.profile.username,
        "environment_tag": body.environment_tag,
        "scope_permissions": DEFAULT_SCOPES,
        **referral,
        **await _account(user, made, services, settings),
    }


async def request_reset(email: str, services: Services) -> None:
    """Mail a token to an address that has an account; whether it has one is nobody's business."""
    user = await services.store.users.find_user_by_email(email)
    if user is None or not user.is_active or public_email(user.email) is None:
        return
    token = token_urlsafe(32)
    await services.store.sign_ups.add_reset_token(token_hash(token), user.id, services.clock.now() + RESET_LIFETIME)
    text = f"Use this token within an hour at POST /auth/reset-password?token={token}\nIf you did not ask, ignore this."
    await services.mailer.send(Mail(to=user.email, subject="Reset your sign-in", text=text))


async def reset_password(token: str, services: Services) -> dict[str, Any]:
    """Use a token up. Raises InvalidRequest."""
    if not await services.store.sign_ups.use_reset_token(token_hash(token), services.clock.now()):
        raise InvalidRequest("This token is unknown, used, or over.", code="INVALID_RESET_TOKEN", param="token")
    return {"message": "The reset is confirmed. Sign in with your identity provider."}


async def send_welcome(shown: Mapping[str, Any], services: Services) -> None:
    """Mail what a new account has, to the address it has; never the key.

    :param shown: the answer to the sign-in or registration.
    """
    if shown["email"] is None:
        return
    until = shown["trial_expires_at"]
    trial = "" if until is None else f" until {until:%Y-%m-%d %H:%M} UTC"
    text = (
        f"Hello {shown['display_name']},\n\nyour account is ready: ${shown['credits']:.2f} of trial credit{trial}.\n"
        "Your API key was shown when you signed up; GET /user/api-keys?reveal=true shows it again.\n"
    )
    await services.mailer.send(Mail(to=shown["email"], subject="Your account is ready", text=text))


async def check_auth(services: Services, settings: Settings) -> dict[str, Any]:
    """Say how what signing in needs is doing; always an answer."""
    started = perf_counter()
    trouble = await services.store.check()
    latency_ms = round((perf_counter() - started) * 1000, 3)
    stats = services.authenticator.stats()
    issues = [trouble] if trouble else []
    if not stats.is_feed_current:
        issues.append("changes of keys cannot be read")
    if services.limiter.is_degraded:
        issues.append("Redis does not answer: each process counts alone")
    limiter = "not_configured" if not settings.store.redis_url else "healthy"
    timeout_s = services.store.database.timeout_s
    return {
        "service": "auth",
        "status": "unhealthy" if trouble else "degraded" if issues else "healthy",
        "timestamp": services.clock.now(),
        "checks": {
            "database": {"status": "unhealthy" if trouble else "healthy", "latency_ms": latency_ms},
            "redis": {"status": "unhealthy" if services.limiter.is_degraded else limiter, "latency_ms": None},
            "auth_cache": {"status": "healthy" if stats.is_feed_current else "stale", "stats": stats},
            "timeouts": {"auth_query_timeout_seconds": timeout_s, "user_lookup_timeout_seconds": timeout_s},
        },
        "latency_ms": latency_ms,
        **({"issues": issues} if issues else {}),
    }


class InvalidSignInState(UpstreamError):
    """The identity provider's keys cannot be had now."""

    status = 503
    type = "service_unavailable"
    default_code = "SERVICE_UNAVAILABLE"


async def _promote(user: User, services: Services, settings: Settings) -> None:
    """Make whoever has the address of `access.admin_email` an administrator; cached keys learn of it at once."""
    named = settings.access.admin_email.strip()
    if user.email.casefold() == named.casefold():
        await promote_named_admin(services.store.roles, named, services.clock.now())
        await services.authenticator.catch_up()


async def _start_trial(user: User, services: Services, settings: Settings, address: str) -> None:
    """Give the trial, once however often this runs."""
    await services.promotions.trials.start(user.id, settings.plans.trial, source="sign-up", signup_ip=address)


async def _refer(entered: SignedIn, code: str | None, services: Services, settings: Settings) -> dict[str, Any]:
    """Note by whose code a new user came, or return why not: a bad code is no reason to turn somebody away."""
    if code is None:
        return {"referral_applied": None, "referral_message": None}
    if not entered.is_new:
        return {"referral_applied": False, "referral_message": "A code counts when the account is made."}
    promotions, user = services.promotions, entered.user
    try:
        if (partner := _partner(code, settings)) is not None:
            await promotions.partners.start(user.id, partner, settings.plans.trial, source="sign-up")
        else:
            await promotions.referrals.register(user, code, settings.referrals)
    except RequestError as err:
        return {"referral_applied": False, "referral_message": err.message}
    return {"referral_applied": True, "referral_message": None}


def _partner(code: str, settings: Settings) -> Partner | None:
    try:
        return find_partner(settings.partners, code)
    except RequestError:
        return None


async def _account(user: User, entered: SignedIn, services: Services, settings: Settings) -> dict[str, Any]:
    balances, profile = await services.ledger.balances(user.id), entered.profile
    subscription = await services.store.payments.find_subscription(user.id)
    now = services.clock.now()
    standing = standing_of(user, profile, subscription, settings.subscriptions, now)
    return {
        "user_id": user.id,
        "auth_method": profile.auth_method,
        "display_name": profile.name or profile.username,
        "email": public_email(user.email),
        "phone_number": profile.phone_number,
        "credits": balances.spendable / NANO_PER_USD,
        "timestamp": now,
        "subscription_status": standing.status,
        "tier": standing.tier,
        "tier_display_name": standing.tier_name,
        "trial_expires_at": user.trial_ends_at,
        "subscription_end_date": standing.ends_at,
        "subscription_allowance": balances.allowance // _CENT,
        "purchased_credits": (balances.trial + balances.purchased) // _CENT,
        "total_credits": balances.spendable // _CENT,
        "allowance_reset_date": standing.allowance_reset_at,
    }


def _hint(body: SignInBody) -> str | None:
    said = (each.email or (each.address if each.type == "email" else None) for each in body.user.linked_accounts)
    email = next((each for each in said if each), None) or body.email
    if email is not None and _EMAIL.fullmatch(email) is None:
        raise SchemaInvalid("email: this is not an e-mail address.", param="email")
    return email
