"""What the notifications' routes take. Source: spec 08 §5."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatewayz.store.notification_records import LONGEST_REMINDER_DAYS

__all__ = ["PreferencesBody", "ReportQuery", "TestQuery"]

Days = Annotated[int, Meta(ge=0, le=LONGEST_REMINDER_DAYS)]


class PreferencesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`PUT /user/notifications/preferences`: what is left out stays."""

    email_notifications: bool | UnsetType = UNSET
    low_balance_threshold: Annotated[float, Meta(ge=0, le=1_000_000)] | UnsetType = UNSET
    """Dollars."""
    trial_expiry_reminder_days: Days | UnsetType = UNSET
    """0 is no reminder."""
    plan_expiry_reminder_days: Days | UnsetType = UNSET
    usage_alerts: bool | UnsetType = UNSET
    webhook_url: Annotated[str, Meta(min_length=1, max_length=2048)] | UnsetType | None = UNSET
    """Told of every event; null is nobody. More than one: `/user/webhooks`."""


class ReportQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/notifications/send-usage-report`."""

    month: Annotated[str, Meta(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")] | None = None
    """`YYYY-MM`; without one the last month."""


class TestQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/notifications/test`."""

    notification_type: Annotated[str, Meta(max_length=64)] = "low_balance"
