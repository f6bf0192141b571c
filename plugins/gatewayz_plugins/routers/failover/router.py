"""Failover in the given order (spec 00 §10)."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.readiness import readiness

__all__ = ["FailoverRouter", "FailoverSettings"]


class FailoverSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of offers whose circuit is open while others are closed."""

    open_circuits: Literal["skip", "last"] = "skip"
    """`skip` leaves them out, `last` tries them after all others."""


class FailoverRouter:
    """Keeps the order it is given."""

    def __init__(self, settings: FailoverSettings, context: PluginContext) -> None:
        self._open_last = settings.open_circuits == "last"

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """Return the offers that can answer now, in their order; the first of all when none can.

        An offer that cools down is left out. Of open circuits at least one is always kept, so that a
        model never becomes unreachable by its breakers alone.
        """
        now = readiness(offers, signals)
        ready, shut = now.ready, now.shut
        if len(ready) == len(offers):
            return Ranking(offers=ready, reason="all routes ready, in catalog order")
        if ready:
            chosen = (*ready, *shut) if self._open_last else ready
            return Ranking(offers=chosen, reason=f"{len(ready)} ready in catalog order; {now.notes}")
        if shut:
            return Ranking(offers=shut, reason=f"no route is ready, so a last resort; {now.notes}")
        return Ranking(offers=(), reason=f"no route is ready; {now.notes}")
