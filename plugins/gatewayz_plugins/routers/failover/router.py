"""Failover in the given order (spec 00 §10)."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer

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
        ready: list[Offer] = []
        open_: list[Offer] = []
        cooling = 0
        for offer in offers:
            if signals.is_cooling(offer):
                cooling += 1
            elif signals.is_open(offer):
                open_.append(offer)
            else:
                ready.append(offer)
        if len(ready) == len(offers):
            return Ranking(offers=tuple(offers), reason="all routes ready, in catalog order")
        notes = [f"{cooling} cooling down"] if cooling else []
        if open_:
            notes.append(f"{len(open_)} with an open circuit")
        if ready:
            chosen = [*ready, *open_] if self._open_last else ready
            return Ranking(offers=tuple(chosen), reason=f"{len(ready)} ready in catalog order; {', '.join(notes)}")
        if open_:
            return Ranking(offers=tuple(open_), reason=f"no route is ready, so a last resort; {', '.join(notes)}")
        return Ranking(offers=(), reason=f"no route is ready; {', '.join(notes)}" if notes else "no offers")
