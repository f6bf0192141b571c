"""Scores of prompts, with the weights of the package."""

import subprocess
import sys
from statistics import mean

import msgspec
import pytest

from gatewayz_plugins.routers.prompt_score import DOMAINS, PromptScorer, load_scorer
from gatewayz_plugins.routers.prompt_score.weights import packaged_weights
from tests.unit.plugins.routers.prompt_score.prompts import EASY, GREETINGS, HARD

ALL = [(domain, text) for group in (HARD, EASY) for domain, texts in group.items() for text in texts]


@pytest.mark.parametrize("text", [text for _, text in ALL])
def test_a_score_is_a_need_and_probabilities(text: str) -> None:
    score = load_scorer().score(text)
    assert 0.0 < score.need < 1.0
    assert tuple(score.domains) == DOMAINS
    assert sum(score.domains.values()) == pytest.approx(1.0)
    assert score.output_tokens >= 1


def test_hard_kinds_need_more_than_easy_kinds() -> None:
    scorer = load_scorer()
    hard = [scorer.score(text).need for texts in HARD.values() for text in texts]
    easy = [scorer.score(text).need for texts in EASY.values() for text in texts]
    right = sum(high > low for high in hard for low in easy)
    assert right >= 0.95 * len(hard) * len(easy)


def test_a_greeting_needs_least() -> None:
    scorer = load_scorer()
    greetings = [scorer.score(text).need for text in GREETINGS]
    assert max(greetings) < min(scorer.score(text).need for texts in HARD.values() for text in texts)
    assert mean(greetings) < 0.25


def test_more_steps_need_more() -> None:
    scorer = load_scorer()
    one = "Mia has 4 boxes with 6 eggs each. How many eggs does she have?"
    three = (
        "Mia has 4 boxes with 6 eggs each. She gives 5 eggs to each of her 3 neighbours, and then buys half as many as "
        "she has left. Eggs cost $0.40 each. How much did she pay?"
    )
    assert scorer.score(three).need > scorer.score(one).need


def test_a_long_case_with_choices_needs_more_than_recall() -> None:
    scorer = load_scorer()
    choices = "\nA. one\nB. two\nC. three\nD. four\nAnswer:"
    case = (
        "A landlord leased a shop to a tenant for five years. In the second year the tenant assigned the lease to a "
        "baker without consent. The baker stopped paying rent. The landlord sued the tenant and the baker, and the "
        "tenant argued that the assignment ended all duties. Which of the following decisions is most likely?"
    )
    assert scorer.score(case + choices).need > scorer.score(f"How many moons has Mars?{choices}").need


def test_most_prompts_are_put_into_their_domain() -> None:
    scorer = load_scorer()
    found = [(domain, scorer.score(text).domains) for domain, text in ALL]
    right = sum(max(domains, key=domains.__getitem__) == domain for domain, domains in found)
    assert right >= 0.85 * len(ALL)


def test_an_answer_is_as_long_as_asked_for() -> None:
    scorer = load_scorer()
    story = scorer.score("Write a story about a clock that runs backwards.").output_tokens
    word = scorer.score("Answer in one word: what colour has grass?").output_tokens
    fact = scorer.score("Who discovered penicillin?").output_tokens
    assert word < 10 < fact < story


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "🙂", "a" * 100_000, "\ud800", "é" * 9_000, "1 " * 9_000, "\0", "5£"]
)
def test_any_text_has_a_score(text: str) -> None:
    score = load_scorer().score(text)
    assert 0.0 < score.need < 1.0


def test_other_scripts_are_scored_without_extremes() -> None:
    scorer = load_scorer()
    for text in ("今天天气怎么样", "Напиши функцию на Python", "ما هي عاصمة فرنسا؟"):
        assert 0.05 < scorer.score(text).need < 0.9


def test_another_process_gives_the_same_score() -> None:
    text = HARD["math"][1]
    code = (
        "import sys; from gatewayz_plugins.routers.prompt_score import load_scorer; "
        "print(repr(load_scorer().score(sys.argv[1])))"
    )
    said = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, check=True).stdout
    assert said.strip() == repr(load_scorer().score(text))


def test_weights_for_other_features_are_refused() -> None:
    weights = packaged_weights()
    with pytest.raises(ValueError, match="other features"):
        PromptScorer(msgspec.structs.replace(weights, names=weights.names[1:]))
    with pytest.raises(ValueError, match="n-gram"):
        PromptScorer(msgspec.structs.replace(weights, ngrams=weights.ngrams[1:]))
