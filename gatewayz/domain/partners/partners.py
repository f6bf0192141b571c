"""Partner trials. Source: spec 08 §4."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from gatewayz.config.sections.plans import PartnerEntry
from gatewayz.config.sections.plans import Trial as TrialRules
from gatewayz.domain.grants.grants import Grants
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import nano_from_usd
from gatewayz.store.trial_records import NewTrial, Trial, TrialAccount, TrialFilter

if TYPE_CHECKING:
    from gatewayz.store.sql.trials import SqlTrialStore

__all__ = ["Partner", "Partners", "find_partner"]


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A partner under its code."""

    code: str
    entry: PartnerEntry


class Partners:
    """The service."""

    def __init__(self, store: "SqlTrialStore", grants: Grants, clock: Clock) -> None:
        self._store = store
        self._grants = grants
        self._clock = clock

    async def start(self, user_id: int, partner: Partner, rules: TrialRules, *, source: str | None = None) -> Trial:
        """Start a partner's trial: it replaces a standard one that was not converted, and tops up its credit.

        Raises InvalidRequest for a second partner trial or a user who has paid; ResourceNotFound for no user.
        """
        entry, now = partner.entry, self._clock.now()
        trial = NewTrial(
            user_id=user_id,
            kind="partner",
            partner_code=partner.code,
            source=source,
            started_at=now,
            ends_at=now + timedelta(days=entry.days),
            credits=nano_from_usd(str(entry.credits)),
            max_tokens=entry.tokens,
            max_requests=entry.requests,
            daily_cap=nano_from_usd(str(entry.daily_cap)),
        )
        started, grant = await self._store.start_partner(trial, nano_from_usd(str(rules.credits)))
        if grant is not None:
            await self._grants.book(grant)
        return started

    async def find(self, user_id: int) -> Trial | None:
        """Return a user's partner trial, over or not."""
        found = await self._store.find(user_id)
        return found if found is not None and found.kind == "partner" else None

    async def expire(self, user_id: int) -> Trial:
        """End a user's partner trial now. Raises ResourceNotFound when there is none that runs."""
        ended = await self._store.end(user_id, self._clock.now())
        if ended is None:
            raise ResourceNotFound("This user has no partner trial that runs.", param="user_id")
        return ended

    async def accounts(self, partner: Partner) -> Sequence[TrialAccount]:
        """Return everybody who had a partner's trial."""
        return await self._store.list_accounts(TrialFilter(partner_code=partner.code))


def find_partner(partners: Mapping[str, PartnerEntry], code: str) -> Partner:
    """Return the partner of a code, in any spelling. Raises ResourceNotFound."""
    wanted = code.strip().upper()
    for name, entry in partners.items():
        if name.upper() == wanted and entry.is_active:
            return Partner(code=wanted, entry=entry)
    raise ResourceNotFound("There is no such partner code.", code="PARTNER_NOT_FOUND", param="partner_code")
