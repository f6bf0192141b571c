"""The administrator that the configuration names. Source: spec 00 §2 (bootstrap)."""

from datetime import datetime
from typing import Final, Protocol

from gatewayz.store.profile_records import RoleChange

__all__ = ["ACTOR", "VerifiedPromotion", "promote_named_admin"]

ACTOR: Final = "config:access.admin_email"


class VerifiedPromotion(Protocol):
    """What promoting needs of the store."""

    async def promote_verified(self, email: str, *, actor: str, reason: str, now: datetime) -> RoleChange | None:
        """Make the account that has an address verified an administrator's."""
        ...


async def promote_named_admin(store: VerifiedPromotion, email: str, now: datetime) -> RoleChange | None:
    """Give the role `admin` to the account that has `access.admin_email` verified; None when nothing changed.

    Who merely claims the address gets nothing.
    """
    if not email.strip():
        return None
    reason = "The configuration names this address."
    return await store.promote_verified(email.strip(), actor=ACTOR, reason=reason, now=now)
