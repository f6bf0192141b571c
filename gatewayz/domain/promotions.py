"""What customers may gain without paying, put together: grants, trials, coupons, referrals, partners."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewayz.config.settings import Settings
from gatewayz.domain.coupons.coupons import Coupons
from gatewayz.domain.grants.grants import Grants
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.partners.partners import Partners
from gatewayz.domain.referrals.referrals import Referrals
from gatewayz.domain.trials.gate import TrialGate
from gatewayz.domain.trials.trials import Trials
from gatewayz.sdk.clock import Clock
from gatewayz.store.records import User

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["Promotions", "open_promotions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Promotions:
    """The services, for one process."""

    grants: Grants
    trials: Trials
    trial_gate: TrialGate
    coupons: Coupons
    referrals: Referrals
    partners: Partners

    async def note_payment(self, user: User, amount: int, settings: Settings) -> None:
        """Tell that a user paid (a purchase or a subscription): the trial ends, a referral earns its bonus.

        Safe to repeat, and to call for every payment: only the first one changes anything.

        :param amount: nano-dollars that were paid.
        """
        await self.trials.convert(user, settings.plans.trial)
        self.trial_gate.forget(user.id)
        await self.referrals.reward_first_purchase(user.id, amount, settings.referrals)


def open_promotions(store: "SqlStore", ledger: Ledger, clock: Clock) -> Promotions:
    """Return the services; `grants.run` is the job that books what is left behind."""
    grants = Grants(store.grants, ledger)
    trials = Trials(store.trials, grants, clock)
    return Promotions(
        grants=grants,
        trials=trials,
        trial_gate=TrialGate(trials, clock),
        coupons=Coupons(store.coupons, grants, clock),
        referrals=Referrals(store.referrals, grants, clock),
        partners=Partners(store.trials, grants, clock),
    )
