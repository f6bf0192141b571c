"""The rules of referrals. Source: spec 03 §7; docs/decisions/0122-self-dealing.md."""

import secrets
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from gatewayz.config.sections.plans import Referrals as ReferralRules
from gatewayz.domain.grants.grants import Grants
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, ServiceError
from gatewayz.sdk.money import nano_from_usd
from gatewayz.store.records import User
from gatewayz.store.referral_records import Referral, ReferralCode, ReferralTotals

if TYPE_CHECKING:
    from gatewayz.store.sql.referrals import SqlReferralStore

__all__ = ["ReferralRefused", "ReferralStats", "Referrals"]

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LENGTH: Final = 8
_DRAWS: Final = 5
"""Codes tried before giving up: with 36**8 of them a second draw is rare."""
_SHOWN: Final = 100


class ReferralRefused(InvalidRequest):
    """The code cannot be used by this user; the message says why."""

    default_code = "REFERRAL_REFUSED"


class ReferralStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a user's code has brought."""

    code: ReferralCode
    totals: ReferralTotals
    referrals: Sequence[Referral]
    """The newest ones."""
    came_by: Referral | None
    """How this user came."""


class Referrals:
    """The service.

    :param choose: draws one character of a text.
    """

    def __init__(
        self,
        store: "SqlReferralStore",
        grants: Grants,
        clock: Clock,
        *,
        choose: Callable[[str], str] = secrets.choice,
    ) -> None:
        self._store = store
        self._grants = grants
        self._clock = clock
        self._choose = choose

    async def code_of(self, user_id: int) -> ReferralCode:
        """Return a user's code, made when there is none yet. Raises ResourceNotFound for no such user."""
        found = await self._store.find_code(user_id)
        for _ in range(_DRAWS):
            if found is not None:
                return found
            code = "".join(self._choose(_ALPHABET) for _ in range(_LENGTH))
            found = await self._store.add_code(user_id, code, self._clock.now())
        if found is None:
            raise ServiceError("No free referral code was found; try again.")
        return found

    async def stats(self, user_id: int) -> ReferralStats:
        """Return what a user's code has brought."""
        return ReferralStats(
            code=await self.code_of(user_id),
            totals=await self._store.totals(user_id),
            referrals=await self._store.list_referrals(user_id, _SHOWN),
            came_by=await self._store.find_referral(user_id),
        )

    async def check(self, user: User, code: str, rules: ReferralRules) -> ReferralCode:
        """Return whose code it is. Raises ReferralRefused when the user cannot use it."""
        owner = await self._store.find_owner(code.strip().upper())
        if owner is None:
            raise ReferralRefused("There is no such referral code.", param="referral_code")
        if owner.user_id == user.id or _mailbox(owner.email) == _mailbox(user.email):
            raise ReferralRefused("You cannot use your own referral code.", param="referral_code")
        if await self._store.find_referral(user.id) is not None:
            raise ReferralRefused("You have used a referral code already.", param="referral_code")
        came_by = await self._store.find_referral(owner.user_id)
        if came_by is not None and came_by.referrer_id == user.id:
            raise ReferralRefused("Two users cannot refer each other.", param="referral_code")
        if await self._store.has_purchased(user.id):
            raise ReferralRefused("A referral code counts before the first purchase only.", param="referral_code")
        if owner.times_used >= rules.max_uses:
            raise ReferralRefused("This referral code has been used up.", param="referral_code")
        return owner

    async def register(self, user: User, code: str, rules: ReferralRules) -> None:
        """Note that a user came by a code. Raises ReferralRefused; parallel attempts succeed once."""
        owner = await self.check(user, code, rules)
        if not await self._store.register(owner, user.id, max_uses=rules.max_uses, now=self._clock.now()):
            raise ReferralRefused("This referral code has been used up, or you have used one.", param="referral_code")

    async def reward_first_purchase(self, user_id: int, amount: int, rules: ReferralRules) -> bool:
        """Give both sides their bonus when a referred user first pays enough; True when it was given now.

        Called for every purchase: only the first one finds a pending referral, and a repeat finds none.

        :param amount: nano-dollars that were paid.
        """
        earns = amount >= nano_from_usd(str(rules.min_purchase))
        bonus = nano_from_usd(str(rules.bonus)) if earns else 0
        grants = await self._store.complete(user_id, bonus, self._clock.now())
        for grant in grants:
            await self._grants.book(grant)
        return bool(grants)


def _mailbox(email: str) -> str:
    """Return an address without what mail systems pass over: case, and `+tag`."""
    local, _, domain = email.casefold().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"
