"""The contract every router keeps, as tests to subclass.

    class TestMine(RouterContract):
        module = "my_plugin"
        settings = MySettings
        sample = {}

        def build(self, settings, context):
            return MyRouter(settings, context)

A router that chooses among models (`PoolRouter`) overrides `offers` with those of several models.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Ranking, Router, RoutingCall, Signals
from gatewayz.sdk.offers import Offer, Price
from gatewayz.sdk.testing.fakes import Answer, FakeHttpClient, plugin_context
from gatewayz.sdk.testing.settings_contract import SettingsContract, decode_settings

__all__ = ["FakeSignals", "RouterContract"]

_STATES = ("ready", "open", "cooling")
_DOLLAR = 1_000_000_000


class FakeSignals:
    """What the gateway has seen, as a test says it; offers are named by their provider."""

    def __init__(
        self,
        *,
        open: Collection[str] = (),
        cooling: Collection[str] = (),
        latency_ms: Mapping[str, float] | None = None,
    ) -> None:
        self._open = open
        self._cooling = cooling
        self._latency_ms = latency_ms or {}

    def is_open(self, offer: Offer) -> bool:
        """As `Signals.is_open`."""
        return offer.provider in self._open

    def is_cooling(self, offer: Offer) -> bool:
        """As `Signals.is_cooling`."""
        return offer.provider in self._cooling

    def latency_p50_ms(self, offer: Offer) -> float | None:
        """As `Signals.latency_p50_ms`."""
        return self._latency_ms.get(offer.provider)


class RouterContract(SettingsContract):
    """Subclass and name module, settings, a sample, and how to build."""

    def build(self, settings: Any, context: PluginContext) -> Router:
        """Return the router."""
        raise NotImplementedError

    def offers(self) -> tuple[Offer, ...]:
        """Return the offers that are ranked: three providers of one model, the middle one cheapest."""
        return tuple(
            Offer(
                model="acme/one",
                provider=provider,
                upstream_model="one",
                price=Price(input=dollars * _DOLLAR, output=dollars * _DOLLAR),
            )
            for provider, dollars in (("first", 3), ("second", 1), ("third", 2))
        )

    def call(self, affinity: str | None = None) -> RoutingCall:
        """Return the call they are ranked for."""
        return RoutingCall(requested_model="one", model="acme/one", prompt_tokens=100, affinity=affinity)

    def rank(self, offers: Sequence[Offer], signals: Signals, affinity: str | None = None) -> Ranking:
        """Return the ranking of a router that has ranked nothing before."""
        context = plugin_context(FakeHttpClient(Answer()))
        return self.build(decode_settings(self.settings, self.values()), context).rank(
            self.call(affinity), offers, signals
        )

    def test_it_never_invents_never_repeats_and_says_why(self) -> None:
        offers = self.offers()
        providers = sorted({offer.provider for offer in offers})
        for states in itertools.product(_STATES, repeat=len(providers)):
            of = dict(zip(providers, states, strict=True))
            signals = FakeSignals(
                open=[name for name, state in of.items() if state == "open"],
                cooling=[name for name, state in of.items() if state == "cooling"],
            )
            ranking = self.rank(offers, signals)
            assert all(offer in offers for offer in ranking.offers), f"an offer was invented under {of}"
            assert len(set(map(id, ranking.offers))) == len(ranking.offers), f"an offer is there twice under {of}"
            assert ranking.reason, f"no reason is given under {of}"

    def test_ready_offers_are_ranked(self) -> None:
        assert self.rank(self.offers(), FakeSignals()).offers

    def test_what_cools_down_is_not_tried(self) -> None:
        providers = sorted({offer.provider for offer in self.offers()})
        ranking = self.rank(self.offers(), FakeSignals(cooling=providers[:1]))
        assert providers[0] not in {offer.provider for offer in ranking.offers}

    def test_open_circuits_alone_make_nothing_unreachable(self) -> None:
        everybody = {offer.provider for offer in self.offers()}
        assert self.rank(self.offers(), FakeSignals(open=everybody)).offers, "one offer is left as the last resort"

    def test_no_offers_are_no_ranking(self) -> None:
        ranking = self.rank((), FakeSignals())
        assert ranking.offers == ()
        assert ranking.reason

    def test_one_affinity_has_one_ranking(self) -> None:
        rankings = [self.rank(self.offers(), FakeSignals(), affinity="conversation-7").offers for _ in range(5)]
        assert all(ranking == rankings[0] for ranking in rankings)
