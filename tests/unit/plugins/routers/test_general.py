"""The general router with its shipped data."""

import random
from typing import Any

import msgspec
import pytest

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.interfaces import PoolRouter, RoutingCall
from gatewayz.sdk.offers import Feature, Offer, Price
from gatewayz.sdk.routing import PriceCap
from gatewayz.sdk.testing import SettingsContract
from gatewayz_plugins.routers.general.settings import GeneralSettings
from gatewayz_plugins.routers.selection.constraints import refusal
from tests.fakes.routing import FixedScores, QuietSignals, general_router, offer, router_data, routing_call

SETTINGS = msgspec.convert(router_data("general"), GeneralSettings)
POOL = tuple(model.stand_in() for model in SETTINGS.models)
MODES = ("balanced", "quality", "cost", "latency")
FEATURES: tuple[Feature, ...] = ("tools", "vision", "json_mode", "json_schema")


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.routers.general"
    settings = GeneralSettings
    sample = router_data("general")


def chosen(router: Any, call: RoutingCall, offers: tuple[Offer, ...] = POOL, signals: Any = None) -> str:
    ranking = router.rank(call, offers, signals or QuietSignals())
    model: str = ranking.offers[0].model
    return model


def test_it_is_a_router_that_chooses_among_models() -> None:
    router = general_router()
    assert isinstance(router, PoolRouter)
    assert tuple(router.modes) == MODES
    assert router.names["router"] == "balanced"


def test_every_figure_has_a_source_and_a_date_and_there_are_twelve_models() -> None:
    assert len(SETTINGS.models) == 12
    assert all(model.source and model.date and model.figures for model in SETTINGS.models)
    assert all(benchmark.source for benchmark in SETTINGS.benchmarks.values())


def test_settings_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no such mode: best"):
        general_router(names={"router": "best"})
    with pytest.raises(ConfigurationError, match="no known benchmark"):
        general_router(benchmarks={})
    with pytest.raises(ConfigurationError, match="at least one"):
        general_router(modes={}, names={})


def test_a_hard_prompt_gets_a_stronger_model_than_an_easy_one() -> None:
    easy, hard = general_router(FixedScores(need=0.02)), general_router(FixedScores(need=0.6))
    price = {model.model: model.price_output for model in SETTINGS.models}
    assert price[chosen(hard, routing_call())] > price[chosen(easy, routing_call())]


@pytest.mark.parametrize("need", [0.0, 0.05, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("domain", ["chat", "code", "math", "reasoning"])
def test_cost_is_at_most_balanced_is_at_most_quality(need: float, domain: str) -> None:
    router = general_router(FixedScores(need, domain))
    costs = {}
    for mode in ("cost", "balanced", "quality"):
        decision = router.rank(routing_call(mode=mode), POOL, QuietSignals()).decision
        assert decision is not None
        report = decision.report()
        costs[mode] = report["candidates"][0]["expected_cost_usd"]
        if mode == "quality":
            best = max(each["expected_quality"] for each in report["candidates"])
            assert report["candidates"][0]["expected_quality"] >= 0.95 * best
    assert costs["cost"] <= costs["balanced"] <= costs["quality"]


def test_latency_takes_the_fastest_that_is_good_enough() -> None:
    signals = QuietSignals(latencies={"openrouter": 40.0, "together": 700.0})
    router = general_router(FixedScores(0.3))
    assert chosen(router, routing_call(mode="latency"), POOL, signals) == "deepseek/deepseek-chat"


def test_the_chain_goes_on_with_other_models_at_other_providers() -> None:
    ranking = general_router(FixedScores()).rank(routing_call(), POOL, QuietSignals())
    assert len({each.model for each in ranking.offers}) > 1
    assert ranking.offers[1].provider != ranking.offers[0].provider
    assert set(ranking.offers) <= set(POOL)


def test_the_reason_has_the_numbers_of_the_choice() -> None:
    ranking = general_router(FixedScores(0.3, "math")).rank(routing_call(), POOL, QuietSignals())
    assert ranking.decision is not None
    first = ranking.decision.report()["candidates"][0]
    assert f"{first['model_id']} (quality {first['expected_quality']:.3f})" in ranking.reason
    assert "Need 0.30, mostly math (100%)." in ranking.reason


def test_a_conversation_keeps_its_model_while_that_is_good_enough() -> None:
    scores = FixedScores(0.3, "chat", 200, easy=0.02)
    router = general_router(scores)
    begun = chosen(router, routing_call("begin"))
    goes_on = routing_call("easy", opening="begin", messages=3, user_messages=2)
    assert chosen(router, routing_call("easy")) != begun
    assert chosen(router, goes_on) == begun
    # A process that has not seen the beginning finds the same model.
    assert chosen(general_router(scores), goes_on) == begun


def test_a_conversation_leaves_a_model_that_cannot_answer() -> None:
    router = general_router(FixedScores(0.02))
    begun = chosen(router, routing_call("begin"))
    goes_on = routing_call("more", opening="begin", messages=3, user_messages=2)
    gone = QuietSignals(open_=[f"{each.provider}/{begun}" for each in POOL])
    assert chosen(router, goes_on, POOL, gone) != begun


def test_when_none_of_the_pool_is_served_every_model_is_a_candidate() -> None:
    router = general_router(FixedScores())
    ranking = router.rank(routing_call(), (offer("local/tiny", "local", usd=0.0),), QuietSignals())
    assert ranking.decision is not None
    metadata = ranking.decision.metadata(ranking.offers[0])
    assert metadata["selected_model"] == "local/tiny"
    assert (metadata["fallback_used"], metadata["fallback_reason"]) == (True, "model_unavailable")


def test_metadata_says_when_another_model_answered() -> None:
    ranking = general_router(FixedScores()).rank(routing_call(), POOL, QuietSignals())
    assert ranking.decision is not None
    own = ranking.decision.metadata(ranking.offers[0])
    assert (own["fallback_used"], own["fallback_reason"]) == (False, None)
    other = ranking.decision.metadata(next(each for each in ranking.offers if each.model != ranking.offers[0].model))
    assert (other["fallback_used"], other["fallback_reason"]) == (True, "model_unavailable")
    assert other["first_choice"] == ranking.offers[0].model


class BrokenScores:
    def score(self, text: str) -> Any:
        raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("changes", "reason"), [({"scores": BrokenScores()}, "exception"), ({"score_prompts": False}, "disabled")]
)
def test_without_a_score_the_chain_of_the_mode_is_taken(changes: dict[str, Any], reason: str) -> None:
    router = general_router(**changes)
    for mode, first in (
        ("quality", "openai/gpt-4o"),
        ("cost", "openai/gpt-4o-mini"),
        ("balanced", "anthropic/claude-sonnet-4"),
    ):
        ranking = router.rank(routing_call(mode=mode), POOL, QuietSignals())
        assert ranking.offers[0].model == first
        assert ranking.decision is not None
        assert ranking.decision.metadata(ranking.offers[0])["fallback_reason"] == reason
    groq = Offer(
        model="meta-llama/llama-3.3-70b-instruct",
        provider="groq",
        upstream_model="llama-3.3-70b-versatile",
        price=Price(input=1, output=1),
        context_length=100_000,
    )
    assert chosen(router, routing_call(mode="latency"), (*POOL, groq)) == groq.model


def test_nothing_eligible_says_what_emptied_the_list_and_is_counted() -> None:
    router = general_router(FixedScores())
    ranking = router.rank(routing_call(needs=frozenset({"vision"})), POOL, QuietSignals())
    assert (ranking.offers, ranking.reason) == ((), "no vision (12)")
    assert router.stats()["refused_requests"] == 1


def test_stats_count_what_was_decided_and_previews_are_not_counted() -> None:
    router = general_router(FixedScores())
    first = chosen(router, routing_call(mode="cost"))
    router.preview(routing_call(), POOL, QuietSignals())
    stats = router.stats()
    assert stats["total_requests"] == 1
    assert stats["requests_by_mode"] == {"cost": 1}
    assert stats["requests_by_model"] == {first: 1}


def test_a_preview_without_served_models_shows_the_pool_as_the_data_has_it() -> None:
    report = general_router(FixedScores()).preview(routing_call(), (), QuietSignals()).report()
    assert len(report["candidates"]) == 12
    assert not any(each["available"] for each in report["candidates"])
    assert report["model_id"] in {each.model for each in POOL}
    served = general_router(FixedScores()).preview(routing_call(), POOL[:1], QuietSignals()).report()
    assert served["model_id"] == POOL[0].model
    assert [each["available"] for each in served["candidates"]] == [True] + [False] * 11


def test_the_same_call_gets_the_same_choice_in_every_process() -> None:
    prompts = ["hi", "Prove that 2 is irrational.", "Write a haiku", "def f(x): return x  # why?"]
    for prompt in prompts:
        assert len({chosen(general_router(), routing_call(prompt)) for _ in range(3)}) == 1


def test_no_constraint_is_ever_violated() -> None:
    dice = random.Random(4)
    router = general_router()
    words = ["prove", "code", "hello", "integral", "translate", "why", "def", "story"]
    violations = decided = 0
    for _ in range(2000):
        offers = tuple(_random_offer(dice, model.model) for model in SETTINGS.models for _ in range(dice.randint(0, 3)))
        call = _random_call(dice, " ".join(dice.choices(words, k=dice.randint(1, 12))))
        cooling = {each.provider for each in offers if dice.random() < 0.1}
        signals = QuietSignals(cooling=cooling, open_={each.provider for each in offers if dice.random() < 0.1})
        ranking = router.rank(call, offers, signals)
        decided += bool(ranking.offers)
        violations += sum(refusal(each, call) is not None or each.provider in cooling for each in ranking.offers)
        usable = [each for each in offers if refusal(each, call) is None and each.provider not in cooling]
        assert bool(usable) is bool(ranking.offers), ranking.reason
    assert violations == 0
    assert decided > 500


def _random_offer(dice: random.Random, model: str) -> Offer:
    rate = dice.randint(1, 20) * 10**8
    return Offer(
        model=model,
        provider=f"p{dice.randint(0, 9)}",
        upstream_model=model,
        price=None if dice.random() < 0.05 else Price(input=rate, output=rate * 3),
        context_length=dice.choice([None, 4096, 32_000, 200_000]),
        max_output_tokens=dice.choice([None, 1024, 8192]),
        features=frozenset(feature for feature in FEATURES if dice.random() < 0.7),
    )


def _random_call(dice: random.Random, prompt: str) -> RoutingCall:
    cap = PriceCap(prompt=dice.uniform(0.1, 2.0), completion=dice.choice([None, 3.0])) if dice.random() < 0.2 else None
    return routing_call(
        prompt,
        dice.choice(MODES),
        prompt_tokens=dice.choice([10, 3000, 30_000, 150_000]),
        max_output_tokens=dice.choice([None, 64, 2000, 8192]),
        needs=frozenset(feature for feature in FEATURES if dice.random() < 0.15),
        price_cap=cap,
        provider=f"p{dice.randint(0, 9)}" if dice.random() < 0.05 else None,
    )
