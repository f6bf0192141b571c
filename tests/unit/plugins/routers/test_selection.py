"""The parts that both routers choose with."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.sdk.routing import PriceCap
from gatewayz_plugins.routers.selection.candidates import Candidate, Demand, Latencies, shortlist
from gatewayz_plugins.routers.selection.choice import Objective, chain, keep, order
from gatewayz_plugins.routers.selection.constraints import refusal
from gatewayz_plugins.routers.selection.conversations import Conversations
from gatewayz_plugins.routers.selection.facts import Ability, Benchmark, ability_of
from tests.fakes.routing import QuietSignals, offer, routing_call

GUESS = Ability(domains={}, overall=0.2, is_known=False)
DEMAND = Demand(need=0.5, domains={"chat": 1.0}, output_tokens=100)


def candidate(model: str, quality: float, cost: int, latency_ms: float | None = None) -> Candidate:
    return Candidate(
        model=model, offers=(offer(model),), ability=quality, quality=quality, cost=cost, latency_ms=latency_ms
    )


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.text("abcdef", min_size=1, max_size=3),
        st.floats(0, 1),
        st.integers(0, 50),
        st.floats(1, 1000),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda each: each.model,
)


class TestAbilities:
    def test_a_domain_is_the_mean_of_what_its_benchmarks_tell(self) -> None:
        benchmarks = {
            "exam": Benchmark(low=50, high=100, domains=("knowledge",)),
            "quiz": Benchmark(low=0, high=100, domains=("knowledge", "chat")),
        }
        ability = ability_of({"exam": 75, "quiz": 100}, benchmarks, unknown=0.1)
        assert ability.domains == {"knowledge": 0.75, "chat": 1.0}
        assert ability.at({"knowledge": 0.5, "chat": 0.5}) == pytest.approx(0.875)
        assert ability.at({"math": 1.0}) == pytest.approx(0.75)  # nothing told: the mean of all

    def test_results_outside_the_range_are_its_ends_and_none_is_a_guess(self) -> None:
        benchmark = Benchmark(low=50, high=100, domains=("math",))
        assert (benchmark.ability(10), benchmark.ability(110)) == (0.0, 1.0)
        assert ability_of({}, {}, unknown=0.3) == Ability(domains={}, overall=0.3, is_known=False)


class TestConstraints:
    @pytest.mark.parametrize(
        ("members", "call", "why"),
        [
            ({}, {"needs": frozenset({"tools"})}, "no tools"),
            ({"context_length": 1000}, {"prompt_tokens": 900, "max_output_tokens": 101}, "context below 1001 tokens"),
            ({"context_length": None}, {"prompt_tokens": 9000}, "context below 9000 tokens"),
            ({"max_output_tokens": 50}, {"max_output_tokens": 51}, "answers below 51 tokens"),
            ({"price": None}, {}, "no known price"),
            ({}, {"price_cap": PriceCap(prompt=0.5)}, "above max_price"),
            ({}, {"price_cap": PriceCap(completion=0.5)}, "above max_price"),
            ({}, {"provider": "other"}, "not at provider other"),
        ],
    )
    def test_what_an_offer_lacks_is_named(self, members: dict[str, Any], call: dict[str, Any], why: str) -> None:
        assert refusal(offer("a/b", **members), routing_call(**call)) == why

    def test_an_offer_that_keeps_all_is_not_refused(self) -> None:
        able = offer("a/b", features=frozenset({"tools", "vision"}), max_output_tokens=100)
        cap = PriceCap(prompt=1.0, completion=1.0)
        call = routing_call(needs=frozenset({"tools"}), max_output_tokens=100, provider="p", price_cap=cap)
        assert refusal(able, call) is None


class TestShortlist:
    def test_expected_quality_falls_with_need_and_rises_with_ability(self) -> None:
        abilities = {"a/good": Ability(domains={"chat": 0.8}, overall=0.5)}
        served = {"a/good": (offer("a/good"),), "a/new": (offer("a/new"),)}
        listed = shortlist(routing_call(), served, DEMAND, abilities, guess=GUESS, signals=QuietSignals())
        assert {each.model: round(each.quality, 6) for each in listed.candidates} == {"a/good": 0.9, "a/new": 0.6}

    def test_the_cheapest_offer_comes_first_and_the_answer_is_as_long_as_allowed(self) -> None:
        served = {"a/b": (offer("a/b", "dear", usd=2.0), offer("a/b", "cheap", usd=1.0))}
        call = routing_call(prompt_tokens=100, max_output_tokens=50)
        (found,) = shortlist(call, served, DEMAND, {}, guess=GUESS, signals=QuietSignals()).candidates
        assert [each.provider for each in found.offers] == ["cheap", "dear"]
        assert found.cost == 150 * 1000

    def test_the_fastest_offer_comes_first_where_latency_counts(self) -> None:
        served = {"a/b": (offer("a/b", "slow", usd=1.0), offer("a/b", "fast", usd=2.0))}
        latencies = Latencies(unmeasured_ms=900, providers={"slow": 500})
        signals = QuietSignals(latencies={"fast": 80.0})
        listed = shortlist(
            routing_call(), served, DEMAND, {}, guess=GUESS, signals=signals, latencies=latencies
        ).candidates[0]
        assert [each.provider for each in listed.offers] == ["fast", "slow"]
        assert listed.latency_ms == 80.0

    def test_open_circuits_are_a_last_resort_and_cooling_offers_none(self) -> None:
        served = {
            "a/b": (offer("a/b", "x"), offer("a/b", "y")),
            "c/d": (offer("c/d", "x"),),
            "e/f": (offer("e/f", "z"),),
        }
        signals = QuietSignals(open_=["x"], cooling=["z"])
        listed = shortlist(routing_call(), served, DEMAND, {}, guess=GUESS, signals=signals)
        assert [(each.model, [o.provider for o in each.offers]) for each in listed.candidates] == [("a/b", ["y"])]
        assert listed.refused == {"at its rate limit": 1}
        all_open = shortlist(
            routing_call(), {"c/d": served["c/d"]}, DEMAND, {}, guess=GUESS, signals=QuietSignals(open_=["x"])
        )
        assert all_open.is_last_resort
        assert [each.model for each in all_open.candidates] == ["c/d"]

    def test_an_empty_list_says_which_constraints_emptied_it(self) -> None:
        served = {f"a/{n}": (offer(f"a/{n}"),) for n in range(2)} | {"b/c": (offer("b/c", context_length=10),)}
        call = routing_call(needs=frozenset({"vision"}))
        listed = shortlist(call, served, DEMAND, {}, guess=GUESS, signals=QuietSignals())
        assert listed.why_empty == "no vision (3)"


class TestOrder:
    def test_the_cheapest_that_is_good_enough_is_first(self) -> None:
        listed = [candidate("best", 1.0, 100), candidate("near", 0.95, 10), candidate("poor", 0.5, 1)]
        assert [each.model for each in order(listed, Objective(tolerance=0.1))] == ["near", "best", "poor"]
        assert order(listed, Objective(tolerance=0.01))[0].model == "best"
        assert order(listed, Objective(tolerance=0.6))[0].model == "poor"

    @given(CANDIDATES, st.floats(0, 1), st.sampled_from(["cost", "latency"]))
    def test_the_first_is_never_dominated(self, listed: list[Candidate], tolerance: float, least: str) -> None:
        first = order(listed, Objective(tolerance=tolerance, least=least))[0]  # type: ignore[arg-type]
        for each in listed:
            if least == "cost":
                assert not (each.cost < first.cost and each.quality >= first.quality)
            else:
                assert not ((each.latency_ms or 0) < (first.latency_ms or 0) and each.quality >= first.quality)

    @given(CANDIDATES, st.floats(0, 1), st.floats(0, 1))
    def test_a_larger_tolerance_never_costs_more(self, listed: list[Candidate], one: float, other: float) -> None:
        small, large = sorted((one, other))
        assert order(listed, Objective(tolerance=large))[0].cost <= order(listed, Objective(tolerance=small))[0].cost

    @given(CANDIDATES, st.floats(0, 1), st.randoms())
    def test_the_order_does_not_depend_on_how_models_are_listed(
        self, listed: list[Candidate], tolerance: float, shuffling: random.Random
    ) -> None:
        shuffled = [*listed]
        shuffling.shuffle(shuffled)
        objective = Objective(tolerance=tolerance)
        assert [e.model for e in order(shuffled, objective)] == [e.model for e in order(listed, objective)]


class TestKeep:
    def test_a_conversation_keeps_its_model_while_it_is_not_much_worse(self) -> None:
        objective = Objective(tolerance=0.05)
        ordered = order([candidate("cheap", 0.99, 1), candidate("mine", 0.92, 5), candidate("bad", 0.5, 1)], objective)
        assert keep(ordered, "mine", objective, slack=0.05)
        assert ordered[0].model == "mine"
        assert not keep(ordered, "bad", objective, slack=0.05)
        assert not keep(ordered, "gone", objective, slack=0.05)
        assert not keep(ordered, None, objective, slack=0.05)
        assert ordered[0].model == "mine"


class TestChain:
    def test_two_offers_of_the_first_model_then_one_of_each_at_other_providers(self) -> None:
        first = candidate("a", 1, 1)
        first.offers = (offer("a", "x"), offer("a", "x", credential="two"), offer("a", "y"))
        second = candidate("b", 1, 1)
        second.offers = (offer("b", "x"), offer("b", "z"))
        third = candidate("c", 1, 1)
        third.offers = (offer("c", "x"),)
        tried = [(each.model, each.provider) for each in chain([first, second, third])]
        assert tried == [("a", "x"), ("a", "y"), ("b", "z"), ("c", "x")]

    def test_it_is_bounded(self) -> None:
        many = [candidate(str(n), 1, 1) for n in range(20)]
        assert len(chain(many)) == 5
        assert chain([]) == ()


class TestConversations:
    def test_only_a_conversation_that_goes_on_is_looked_up(self) -> None:
        known = Conversations()
        known.remember(routing_call("hi"), "a/b")
        assert known.find(routing_call("hi")) is None
        assert known.find(routing_call("more", opening="hi", user_messages=2)) == "a/b"
        assert known.find(routing_call("more", opening="hi", user_messages=2, affinity="other")) is None

    def test_the_oldest_are_forgotten(self) -> None:
        known = Conversations(remembered=2)
        for text in ("one", "two", "one", "three"):
            known.remember(routing_call(text), text)
        found = [known.find(routing_call("x", opening=text, user_messages=2)) for text in ("one", "two", "three")]
        assert found == ["one", None, "three"]
