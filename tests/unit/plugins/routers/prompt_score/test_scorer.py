"""Scores of prompts written for this test."""

import pytest

from gatewayz_plugins.routers.prompt_score import DOMAINS, load_scorer

PROOF = (
    "Prove that there are infinitely many primes p with p = 3 mod 4. Then generalise the argument step by step to "
    "p = 5 mod 6, and explain why it fails for p = 1 mod 4."
)


def test_a_score_is_a_need_and_probabilities() -> None:
    score = load_scorer().score(PROOF)
    assert 0.0 <= score.need <= 1.0
    assert tuple(score.domains) == DOMAINS
    assert sum(score.domains.values()) == pytest.approx(1.0)
    assert score.output_tokens >= 1


def test_a_proof_needs_more_than_a_greeting() -> None:
    scorer = load_scorer()
    assert scorer.score(PROOF).need > scorer.score("hi").need + 0.2


@pytest.mark.parametrize("text", ["", " ", "\n\n", "🙂", "a" * 100_000, "\ud800", "é" * 9_000, "1 " * 9_000])
def test_any_text_has_a_score(text: str) -> None:
    scorer = load_scorer()
    assert scorer.score(text) == scorer.score(text)
