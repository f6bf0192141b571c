"""Typing noise leaves the score alone."""

import random

import pytest

from gatewayz_plugins.routers.prompt_score import load_scorer
from tests.unit.plugins.routers.prompt_score.prompts import NOISY

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6)
ROUNDS = 10


def swap_letters(text: str, rng: random.Random, share: float = 0.1) -> str:
    """Swap two neighbouring letters in a share of the words."""
    words = text.split(" ")
    for at, word in enumerate(words):
        if len(word) > 3 and word.isalpha() and rng.random() < share:
            first = rng.randrange(len(word) - 1)
            words[at] = word[:first] + word[first + 1] + word[first] + word[first + 2 :]
    return " ".join(words)


def other_case(text: str, rng: random.Random) -> str:
    return rng.choice([text.upper(), text.lower(), text.swapcase(), text.title()])


def more_blanks(text: str, rng: random.Random) -> str:
    return "".join(letter * rng.choice((1, 1, 1, 2, 3)) if letter == " " else letter for letter in text)


def noisy(text: str, rng: random.Random) -> str:
    return f"  {more_blanks(other_case(swap_letters(text, rng), rng), rng)} "


@pytest.mark.parametrize("seed", range(3))
def test_noise_changes_few_decisions(seed: int) -> None:
    rng = random.Random(seed)
    scorer = load_scorer()
    same = total = 0
    for text in NOISY:
        clean = scorer.score(text).need
        for _ in range(ROUNDS):
            need = scorer.score(noisy(text, rng)).need
            same += sum((need >= threshold) == (clean >= threshold) for threshold in THRESHOLDS)
            total += len(THRESHOLDS)
    assert same >= 0.95 * total


def mistyped(text: str, rng: random.Random) -> str:
    """Swap, drop, double or split at one letter in forty."""
    letters = list(text)
    for at in range(len(letters) - 1):
        if rng.random() < 1 / 40:
            here, after = letters[at], letters[at + 1]
            letters[at], letters[at + 1] = rng.choice(
                [(after, here), ("", after), (here * 2, after), (f"{here} ", after)]
            )
    return "".join(letters)


def test_mistyped_letters_change_few_decisions() -> None:
    rng = random.Random(3)
    scorer = load_scorer()
    pairs = [(scorer.score(text).need, scorer.score(mistyped(text, rng)).need) for text in NOISY * ROUNDS]
    same = [(clean >= threshold) == (need >= threshold) for clean, need in pairs for threshold in THRESHOLDS]
    assert sum(same) >= 0.95 * len(same)


@pytest.mark.parametrize("text", NOISY)
def test_case_and_blanks_change_nothing(text: str) -> None:
    scorer = load_scorer()
    rng = random.Random(7)
    assert scorer.score(more_blanks(other_case(text, rng), rng)) == scorer.score(text)


def test_noise_keeps_the_domain_of_nearly_all() -> None:
    rng = random.Random(11)
    scorer = load_scorer()
    kept = 0
    for text in NOISY:
        clean, changed = scorer.score(text).domains, scorer.score(noisy(text, rng)).domains
        kept += max(clean, key=clean.__getitem__) == max(changed, key=changed.__getitem__)
    assert kept >= 0.95 * len(NOISY)
