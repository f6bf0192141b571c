"""What people want to be told by mail, and what they have been told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from gatewayz.sdk.money import NANO_PER_USD

__all__ = [
    "DEFAULT_THRESHOLD",
    "LONGEST_REMINDER_DAYS",
    "DueNotice",
    "NotificationStore",
    "PreferenceChanges",
    "Preferences",
]

LONGEST_REMINDER_DAYS: Final = 30
DEFAULT_THRESHOLD: Final = 10 * NANO_PER_USD


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """One user's choices. Defaults: spec 08 §5."""

    user_id: int
    created_at: datetime
    updated_at: datetime
    email_notifications: bool = True
    """Whether any mail but the asked-for ones is sent."""
    low_balance_threshold: int = DEFAULT_THRESHOLD
    """Nano-dollars."""
    trial_expiry_reminder_days: int = 1
    plan_expiry_reminder_days: int = 7
    usage_alerts: bool = True
    """Whether a low balance is told."""


class PreferenceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; what is UNSET stays."""

    email_notifications: bool | UnsetType = UNSET
    low_balance_threshold: int | UnsetType = UNSET
    trial_expiry_reminder_days: int | UnsetType = UNSET
    plan_expiry_reminder_days: int | UnsetType = UNSET
    usage_alerts: bool | UnsetType = UNSET


class DueNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody to be told something."""

    user_id: int
    kind: str
    covers: datetime
    """Until when that need not be told again: the end that is near, or a day from now."""


class NotificationStore(Protocol):
    """Every method raises StoreUnavailable."""

    async def preferences(self, user_id: int, now: datetime) -> Preferences:
        """Return a user's choices; the defaults are written down at the first look."""
        ...

    async def change_preferences(self, user_id: int, changes: PreferenceChanges, now: datetime) -> Preferences:
        """Change some; return all."""
        ...

    async def list_due(self, now: datetime, limit: int) -> Sequence[DueNotice]:
        """Return who is to be told what and has not been."""
        ...

    async def claim(self, notice: DueNotice) -> bool:
        """Note that somebody is told; False when that was noted before."""
        ...

    async def give_back(self, notice: DueNotice) -> None:
        """Take the note back: nobody was told."""
        ...
