"""The code router with its shipped data."""

from typing import Any

import msgspec
import pytest

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.interfaces import PoolRouter
from gatewayz.sdk.testing import SettingsContract
from gatewayz_plugins.routers.code.classify import Classifier, Context, context_of
from gatewayz_plugins.routers.code.settings import CodeSettings
from gatewayz_plugins.routers.code.tiers import tier_of, tiers_to_look_in
from tests.fakes.routing import FixedScores, QuietSignals, code_router, offer, router_data, routing_call

SETTINGS = msgspec.convert(router_data("code"), CodeSettings)
POOL = tuple(model.stand_in() for _, model in SETTINGS.all_models())
CLASSIFIER = Classifier(SETTINGS.task_classes, SETTINGS.default_class)


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.routers.code"
    settings = CodeSettings
    sample = router_data("code")


def report(prompt: str, mode: str = "auto", *, offers: Any = POOL, signals: Any = None, **members: Any) -> Any:
    call = routing_call(prompt, mode, **members)
    ranking = code_router(FixedScores()).rank(call, offers, signals or QuietSignals())
    assert ranking.decision is not None, ranking.reason
    return ranking.decision.report()


class TestClasses:
    @pytest.mark.parametrize(
        ("prompt", "category"),
        [
            ("Fix the bug: this function raises an IndexError on empty input", "debugging"),
            ("Write a Python function that reverses a linked list.", "code_generation"),
            ("Fix the typo in this comment, and the formatting and the indent", "simple_code"),
            ("Explain what this does: x = [i for i in y]", "code_explanation"),
            ("Refactor this class and clean up the duplicate code", "refactoring"),
            ("Design the architecture of scalable microservices", "architecture"),
            ("Build it end-to-end and from scratch, a full feature, autonomous", "agentic"),
            ("good morning", "code_generation"),
        ],
    )
    def test_a_prompt_gets_the_class_with_most_points(self, prompt: str, category: str) -> None:
        assert CLASSIFIER.classify(prompt, Context()).category == category

    def test_confidence_is_a_fifth_of_the_points_and_three_tenths_without_any(self) -> None:
        assert CLASSIFIER.classify("good morning", Context()).confidence == 0.3
        assert CLASSIFIER.classify("debug", Context()).confidence == pytest.approx((1 + 5 / 50) / 5, abs=1e-3)
        assert CLASSIFIER.classify("debug", Context(has_error_trace=True)).confidence == pytest.approx(
            4.1 / 5, abs=1e-3
        )

    def test_only_whole_words_count(self) -> None:
        assert CLASSIFIER.classify("the prefixed errorless designer", Context()).hits == ()

    def test_context_speaks_for_classes(self) -> None:
        assert CLASSIFIER.classify("look", Context(file_count=4)).category == "architecture"
        assert CLASSIFIER.classify("look", Context(file_count=3)).category == "code_generation"
        assert CLASSIFIER.classify("look", Context(has_error_trace=True)).category == "debugging"
        assert CLASSIFIER.classify("look", Context(conversation_length=11)).category == "refactoring"

    def test_context_is_read_from_the_prompt_where_nothing_is_said(self) -> None:
        text = 'In `a.py`, src/b.ts and c.go.\nTraceback (most recent call last):\n  File "a.py"'
        assert context_of(text, 12, {}) == Context(file_count=3, has_error_trace=True, conversation_length=12)
        said = {"file_count": 9, "has_error_trace": 0, "conversation_length": 1}
        assert context_of(text, 12, said) == Context(file_count=9, has_error_trace=False, conversation_length=1)


class TestTiers:
    @pytest.mark.parametrize(
        ("category", "tiers"),
        [
            ("simple_code", {"auto": 4, "price": 4, "quality": 3, "agentic": 1}),
            ("code_explanation", {"auto": 3, "price": 3, "quality": 2, "agentic": 1}),
            ("debugging", {"auto": 2, "price": 2, "quality": 1, "agentic": 1}),
            ("architecture", {"auto": 1, "price": 1, "quality": 1, "agentic": 1}),
        ],
    )
    def test_the_mode_and_the_class_give_the_tier(self, category: str, tiers: dict[str, int]) -> None:
        task = SETTINGS.task_classes[category]
        assert {mode: tier_of(SETTINGS.modes[mode], task) for mode in tiers} == tiers

    def test_no_tier_is_worse_than_the_minimum(self) -> None:
        for task in SETTINGS.task_classes.values():
            for mode in SETTINGS.modes.values():
                assert 1 <= tier_of(mode, task) <= task.minimum_tier

    def test_allowed_tiers_are_looked_in_before_better_ones_and_all_are_looked_in(self) -> None:
        assert tiers_to_look_in(3, SETTINGS.task_classes["code_explanation"]) == (3, 4, 2, 1)
        assert tiers_to_look_in(2, SETTINGS.task_classes["debugging"]) == (2, 1, 3, 4)
        assert tiers_to_look_in(1, SETTINGS.task_classes["architecture"]) == (1, 2, 3, 4)


class TestChoice:
    def test_it_is_a_router_that_chooses_among_models(self) -> None:
        assert isinstance(code_router(), PoolRouter)
        assert tuple(code_router().modes) == ("auto", "price", "quality", "agentic")

    @pytest.mark.parametrize(
        ("mode", "model"),
        [
            ("auto", "anthropic/claude-3.5-haiku"),  # first listed of those with the strength
            ("price", "deepseek/deepseek-v3"),
            ("quality", "anthropic/claude-3.5-sonnet"),
        ],
    )
    def test_points_choose_inside_the_tier(self, mode: str, model: str) -> None:
        assert report("debug this crash", mode)["model_id"] == model

    def test_price_is_never_dearer_than_auto(self) -> None:
        for task in SETTINGS.task_classes.values():
            prompt = task.keywords[0]
            costs = [report(prompt, mode)["candidates"][0]["expected_cost_usd"] for mode in ("price", "auto")]
            assert costs[0] <= costs[1], prompt

    def test_savings_are_told_for_a_call_of_1000_and_500_tokens(self) -> None:
        saved = report("debug this crash")["savings_estimate"]["claude_3_5_sonnet"]
        assert saved["baseline_cost_usd"] == pytest.approx(0.0105)
        assert saved["selected_cost_usd"] == pytest.approx(0.0028)
        assert saved["savings_usd"] == pytest.approx(0.0077)
        assert saved["savings_percent"] == pytest.approx(73.33)

    def test_without_a_usable_model_a_better_tier_is_taken_before_a_worse_one(self) -> None:
        tier_2 = {model.model for tier, model in SETTINGS.all_models() if tier == 2}
        offers = tuple(each for each in POOL if each.model not in tier_2)
        found = report("debug this crash", offers=offers)
        assert (found["tier"], found["fallback_used"]) == (1, False)
        assert "No model of that tier can be used; tier 1 is taken." in found["rationale"]

    def test_below_the_minimum_is_a_fallback_and_says_so(self) -> None:
        found = report("debug this crash", offers=(POOL[-1],))
        assert (found["tier"], found["fallback_used"], found["fallback_reason"]) == (4, True, "model_unavailable")

    def test_models_of_no_tier_answer_when_no_other_is_served(self) -> None:
        found = report("debug this crash", offers=(offer("local/tiny", "local"),))
        assert (found["model_id"], found["tier"], found["fallback_used"]) == ("local/tiny", None, True)

    def test_calls_are_not_scored_and_test_pages_show_the_same_choice_with_the_need(self) -> None:
        scores = FixedScores(0.4)
        router = code_router(scores)
        call = routing_call("debug this crash", "auto")
        chosen = router.rank(call, POOL, QuietSignals()).offers[0]
        assert scores.scored == []
        shown = router.preview(call, POOL, QuietSignals()).report()
        assert (shown["model_id"], shown["provider"]) == (chosen.model, chosen.provider)
        assert (shown["need"], shown["domains"]) == (0.4, {"chat": 1.0})

    def test_a_conversation_keeps_its_model_until_a_task_needs_a_better_tier(self) -> None:
        router = code_router(FixedScores())
        begun = router.rank(routing_call("write a parser", "auto"), POOL, QuietSignals()).offers[0].model
        again = {"opening": "write a parser", "messages": 3, "user_messages": 2}
        explained = router.rank(routing_call("explain it", "auto", **again), POOL, QuietSignals())
        assert explained.offers[0].model == begun
        assert "keeps" in explained.reason
        # A process that has not seen the beginning finds the same model.
        assert (
            code_router().rank(routing_call("explain it", "auto", **again), POOL, QuietSignals()).offers[0].model
            == begun
        )
        designed = router.rank(routing_call("design the architecture", "auto", **again), POOL, QuietSignals())
        assert designed.offers[0].model != begun

    def test_metadata_has_what_answers_must_carry(self) -> None:
        ranking = code_router(FixedScores()).rank(routing_call("debug this crash", "auto"), POOL, QuietSignals())
        assert ranking.decision is not None
        metadata = ranking.decision.metadata(ranking.offers[0])
        assert metadata["router_mode"] == "code:auto"
        assert metadata["task_category"] == "debugging"
        assert metadata["selected_tier"] == 2
        assert metadata["model_info"]["swe_bench"] == 40.6
        assert metadata["savings"]["gpt_4o"]["savings_percent"] > 0

    def test_stats_count_by_mode_tier_and_class(self) -> None:
        router = code_router(FixedScores())
        router.rank(routing_call("debug this crash", "auto"), POOL, QuietSignals())
        stats = router.stats()
        assert (stats["tiers_loaded"], stats["models_available"]) == (4, 13)
        assert stats["requests_by_tier"] == {"2": 1}
        assert stats["requests_by_category"] == {"debugging": 1}

    def test_a_preview_of_models_that_nobody_serves_shows_the_tiers(self) -> None:
        preview = code_router(FixedScores()).preview(routing_call("debug this", "auto"), (), QuietSignals()).report()
        assert (preview["tier"], preview["available"], len(preview["candidates"])) == (2, False, 13)


def test_settings_that_lead_nowhere_are_refused() -> None:
    for changes, complaint in (
        ({"default_class": "none"}, "default_class"),
        ({"fallback_model": "a/b"}, "fallback_model"),
        ({"names": {"x": "best"}}, "names"),
        ({"benchmarks": {}}, "no known benchmark"),
        ({"modes": {}}, "at least one"),
    ):
        with pytest.raises(ConfigurationError, match=complaint):
            code_router(**changes)
