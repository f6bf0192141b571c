"""A router that chooses among models and fails costs its choice, never another model's price."""

from collections.abc import Mapping, Sequence
from typing import Any

from gatewayz.loader.pool_fence import FencedDecision, FencedPoolRouter
from gatewayz.sdk.interfaces import PoolRouter, Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.outcomes import AnswerEnd, Opinion
from tests.fakes.pool_router import FakePoolRouter
from tests.fakes.routing import QuietSignals, offer, routing_call

OFFERS = (offer("a/b"), offer("c/d"))


class Misbehaving(FakePoolRouter):
    """Does as it is told: raises, answers junk, or invents an offer."""

    def __init__(self, answer: Any) -> None:
        super().__init__("a/b")
        self._answer = answer

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        if isinstance(self._answer, BaseException):
            raise self._answer
        ranking: Ranking = self._answer
        return ranking


class BrokenDecision:
    def metadata(self, answered: Offer) -> Mapping[str, Any]:
        raise RuntimeError("broken")

    def report(self) -> Mapping[str, Any]:
        return {"model_id": "a/b"}


def rank(router: PoolRouter) -> Ranking:
    return FencedPoolRouter("mine", router).rank(routing_call(), OFFERS, QuietSignals())


def test_a_good_router_passes_through_and_is_still_one_that_chooses_among_models() -> None:
    fenced = FencedPoolRouter("mine", FakePoolRouter("c/d"))
    assert isinstance(fenced, PoolRouter)
    assert tuple(fenced.modes) == ("balanced", "cost")
    assert fenced.names["router:small"] == "cost"
    ranking = fenced.rank(routing_call(), OFFERS, QuietSignals())
    assert ranking.offers == (OFFERS[1],)
    assert ranking.decision is not None
    assert ranking.decision.metadata(OFFERS[1])["selected_model"] == "c/d"
    assert ranking.decision.report() == {"model_id": "c/d"}
    assert fenced.preview(routing_call(), OFFERS, QuietSignals()).report() == {"model_id": "c/d"}


def test_one_that_fails_has_chosen_nothing() -> None:
    for answer in (RuntimeError("broken"), SystemExit(), None, Ranking(offers=(offer("e/f"),), reason="invented")):
        ranking = rank(Misbehaving(answer))
        assert (ranking.offers, ranking.reason) == ((), "router mine failed")


def test_an_equal_offer_that_was_not_given_is_an_invention() -> None:
    assert rank(Misbehaving(Ranking(offers=(offer("a/b"),), reason="a copy"))).offers == ()


def test_words_that_fail_do_not_fail_the_answer() -> None:
    ranking = rank(Misbehaving(Ranking(offers=OFFERS, reason="fine", decision=BrokenDecision())))
    assert ranking.offers == OFFERS
    assert ranking.decision is not None
    assert ranking.decision.metadata(OFFERS[0]) == {}


class Listener(FakePoolRouter):
    """Notes what it hears, or fails."""

    def __init__(self, *, is_broken: bool = False) -> None:
        super().__init__("a/b")
        self.heard: list[AnswerEnd | Opinion] = []
        self._is_broken = is_broken

    @property
    def is_listening(self) -> bool:
        return True

    def hear_end(self, end: AnswerEnd) -> None:
        if self._is_broken:
            raise RuntimeError("broken")
        self.heard.append(end)

    def hear_opinion(self, opinion: Opinion) -> None:
        if self._is_broken:
            raise RuntimeError("broken")
        self.heard.append(opinion)


class BrokenProperty(Listener):
    @property
    def is_listening(self) -> bool:
        raise RuntimeError("broken")


OPINION = Opinion(request_id="r", user_id=1, is_content=True)


def test_a_router_that_listens_hears_of_its_own_decision() -> None:
    inner = Listener()
    fenced = FencedPoolRouter("mine", inner)
    decision = fenced.rank(routing_call(), OFFERS, QuietSignals()).decision
    end = AnswerEnd(request_id="r", user_id=1, call=routing_call(), decision=decision, model="a/b")
    assert fenced.is_listening
    fenced.hear_end(end)
    fenced.hear_opinion(OPINION)
    told, opinion = inner.heard
    assert isinstance(told, AnswerEnd) and not isinstance(told.decision, FencedDecision)
    assert opinion == OPINION


def test_a_router_that_fails_to_listen_changes_nothing() -> None:
    fenced = FencedPoolRouter("mine", Listener(is_broken=True))
    fenced.hear_end(AnswerEnd(request_id="r", user_id=1, call=routing_call(), decision=None, model="a/b"))
    fenced.hear_opinion(OPINION)
    deaf = FencedPoolRouter("mine", FakePoolRouter("a/b"))
    assert not deaf.is_listening
    deaf.hear_opinion(OPINION)


def test_a_router_that_fails_when_asked_whether_it_listens_is_not_told() -> None:
    inner = BrokenProperty()
    fenced = FencedPoolRouter("mine", inner)
    assert not fenced.is_listening
    assert not fenced.is_listening
