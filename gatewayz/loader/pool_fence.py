"""The fence round routers that choose among models."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.sdk.interfaces import PoolRouter, Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.outcomes import AnswerEnd, HearsOutcomes, Opinion
from gatewayz.sdk.recent import Recent
from gatewayz.sdk.routing import Decision

__all__ = ["FencedPoolRouter"]


class FencedPoolRouter:
    """A router that chooses among models; one that fails has chosen none."""

    def __init__(self, name: str, inner: PoolRouter) -> None:
        self.inner = inner
        self._name = name
        self._faults = Faults(f"router {name!r}")
        self._known = Recent(_identities)
        self._hears = self._listener()

    @property
    def modes(self) -> Mapping[str, str]:
        """As `PoolRouter.modes`."""
        return self.inner.modes

    @property
    def names(self) -> Mapping[str, str]:
        """As `PoolRouter.names`."""
        return self.inner.names

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """As `PoolRouter.rank`; no offer when the router fails or invents."""
        known = self._known.of(offers)
        try:
            ranking: Any = self.inner.rank(call, offers, signals)
            if not isinstance(ranking, Ranking):
                raise TypeError(f"rank gave a {type(ranking).__name__}")
            if not known.issuperset(map(id, ranking.offers)):
                raise ValueError("rank invented an offer")
        except FOREIGN as err:  # any other model than the ones it would choose may be far too dear
            self._faults.log(err, "rank")
            return Ranking(offers=(), reason=f"router {self._name} failed")
        if ranking.decision is None:
            return ranking
        return msgspec.structs.replace(ranking, decision=FencedDecision(ranking.decision, self._faults))

    def preview(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Decision:
        """As `PoolRouter.preview`."""
        return self.inner.preview(call, offers, signals)

    def describe(self) -> Mapping[str, Any]:
        """As `PoolRouter.describe`."""
        return self.inner.describe()

    def stats(self) -> Mapping[str, Any]:
        """As `PoolRouter.stats`."""
        return self.inner.stats()

    @property
    def is_listening(self) -> bool:
        """As `HearsOutcomes.is_listening`; False for a router that does not learn, or fails."""
        if self._hears is None:
            return False
        try:
            return bool(self._hears.is_listening)
        except FOREIGN as err:  # what it would learn is worth less than the answer
            self._faults.log(err, "is_listening")
            return False

    def hear_end(self, end: AnswerEnd) -> None:
        """As `HearsOutcomes.hear_end`, with the router's own decision. Never raises."""
        if self._hears is None:
            return
        if isinstance(end.decision, FencedDecision):
            end = msgspec.structs.replace(end, decision=end.decision.inner)
        try:
            self._hears.hear_end(end)
        except FOREIGN as err:  # the answer has been paid for
            self._faults.log(err, "hear_end")

    def hear_opinion(self, opinion: Opinion) -> None:
        """As `HearsOutcomes.hear_opinion`. Never raises."""
        if self._hears is None:
            return
        try:
            self._hears.hear_opinion(opinion)
        except FOREIGN as err:  # the feedback is kept
            self._faults.log(err, "hear_opinion")

    def _listener(self) -> HearsOutcomes | None:
        """Return the router where it hears of outcomes. To ask reads its properties (Python 3.11), which may fail."""
        try:
            return self.inner if isinstance(self.inner, HearsOutcomes) else None
        except FOREIGN as err:
            self._faults.log(err, "is_listening")
            return None


def _identities(offers: Sequence[Offer]) -> frozenset[int]:
    return frozenset(map(id, offers))


class FencedDecision:
    """A decision that never fails an answer that has been paid for."""

    def __init__(self, inner: Decision, faults: Faults) -> None:
        self.inner = inner
        self._faults = faults

    def metadata(self, answered: Offer) -> Mapping[str, Any]:
        """As `Decision.metadata`; nothing when the router's own words fail."""
        try:
            return dict(self.inner.metadata(answered))
        except FOREIGN as err:  # the answer is worth more than what is said of it
            self._faults.log(err, "metadata")
            return {}

    def report(self) -> Mapping[str, Any]:
        """As `Decision.report`."""
        return self.inner.report()
