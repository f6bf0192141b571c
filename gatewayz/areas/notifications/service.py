"""Preferences, reports and tests of one user."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import UNSET

from gatewayz.areas.notifications.schema import PreferencesBody
from gatewayz.domain.notifications.messages import KINDS
from gatewayz.domain.notifications.notices import summarise
from gatewayz.sdk.errors import InvalidRequest, ResourceNotFound
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.sdk.secret import Secret
from gatewayz.store.notification_records import PreferenceChanges, Preferences
from gatewayz.store.records import User
from gatewayz.store.webhook_records import Endpoint
from gatewayz.web.services import Services

__all__ = ["change_preferences", "send_report", "send_test", "show_preferences"]

_MASKED: Final = "whsec_…"


async def show_preferences(services: Services, user_id: int) -> dict[str, Any]:
    """Return a user's choices; made at the first look."""
    kept = await services.store.notifications.preferences(user_id, services.clock.now())
    return _shown(kept, await services.webhooks.find_of_preferences(user_id))


async def change_preferences(services: Services, user_id: int, body: PreferencesBody) -> dict[str, Any]:
    """Change some choices, and return all; the secret of a URL that is new stands beside them, this once.

    Raises InvalidRequest for a URL where the gateway does not go.
    """
    secret: Secret | None = None
    if body.webhook_url is not UNSET:
        secret = await services.webhooks.set_of_preferences(user_id, body.webhook_url)
    threshold = body.low_balance_threshold
    changes = PreferenceChanges(
        email_notifications=body.email_notifications,
        low_balance_threshold=UNSET if threshold is UNSET else round(threshold * NANO_PER_USD),
        trial_expiry_reminder_days=body.trial_expiry_reminder_days,
        plan_expiry_reminder_days=body.plan_expiry_reminder_days,
        usage_alerts=body.usage_alerts,
    )
    kept = await services.store.notifications.change_preferences(user_id, changes, services.clock.now())
    shown = _shown(kept, await services.webhooks.find_of_preferences(user_id))
    answer = {"status": "success", "message": "Your choices are kept.", "preferences": shown}
    return answer if secret is None else {**answer, "webhook_secret": secret.reveal()}


async def send_report(services: Services, user_id: int, month: str | None) -> dict[str, Any]:
    """Mail what a month's usage was. Raises InvalidRequest for a month that has not begun."""
    user, now = await _find(services, user_id), services.clock.now()
    begin = _last_month(now) if month is None else datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    if begin > now:
        raise InvalidRequest("month: it has not begun.", param="month")
    report = summarise(await services.store.people.sum_usage(user_id, begin, _next_month(begin)))
    shown = f"{begin:%Y-%m}"
    taken = await services.notices.send(user, "usage_report", month=shown, report=report)
    message = _outcome(services, taken, f"The report of {shown}")
    return {"success": taken, "message": message, "month": shown, "delivered": _is_delivered(services, taken)}


async def send_test(services: Services, user_id: int, kind: str) -> dict[str, Any]:
    """Mail a message of a kind, marked as a test. Raises InvalidRequest for an unknown kind."""
    if kind not in KINDS:
        raise InvalidRequest(f"notification_type is one of {', '.join(KINDS)}.", param="notification_type")
    user, values = await _find(services, user_id), {}
    if kind == "usage_report":
        begin, now = _last_month(services.clock.now()), services.clock.now()
        values = {
            "month": f"{begin:%Y-%m}",
            "report": summarise(await services.store.people.sum_usage(user_id, begin, now)),
        }
    taken = await services.notices.send(user, kind, is_test=True, **values)
    return {
        "status": "success" if taken else "failed",
        "message": _outcome(services, taken, f"The test of {kind}"),
        "delivered": _is_delivered(services, taken),
    }


async def _find(services: Services, user_id: int) -> User:
    user = await services.store.users.find_user(user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND")
    return user


def _is_delivered(services: Services, taken: bool) -> bool:
    return taken and services.mailer.is_delivering


def _outcome(services: Services, taken: bool, what: str) -> str:
    if not taken:
        return f"{what} could not be sent."
    return f"{what} was sent." if services.mailer.is_delivering else f"{what} was kept: no mail service is configured."


def _last_month(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first - timedelta(days=1)).replace(day=1)


def _next_month(begin: datetime) -> datetime:
    return (begin + timedelta(days=32)).replace(day=1)


def _shown(kept: Preferences, webhook: Endpoint | None) -> dict[str, Any]:
    return {
        "user_id": kept.user_id,
        "email_notifications": kept.email_notifications,
        "low_balance_threshold": kept.low_balance_threshold / NANO_PER_USD,
        "trial_expiry_reminder_days": kept.trial_expiry_reminder_days,
        "plan_expiry_reminder_days": kept.plan_expiry_reminder_days,
        "usage_alerts": kept.usage_alerts,
        "webhook_url": None if webhook is None else webhook.url,
        "webhook_secret": None if webhook is None else _MASKED,
        "created_at": kept.created_at,
        "updated_at": kept.updated_at,
    }
