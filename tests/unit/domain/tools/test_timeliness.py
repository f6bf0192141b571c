from datetime import UTC, datetime

import pytest

from gatewayz.domain.tools.timeliness import timeliness

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    "question",
    [
        "What is the latest Python release?",
        "who won the match yesterday",
        "Weather in Oslo?",
        "Please search the web for quilts.",
        "What happened in Chile in 2026?",
        "Summarise today's headlines",
        "x " * 2000 + "\nIs any of this still right as of now?",
    ],
)
def test_questions_about_what_is_new(question: str) -> None:
    assert timeliness(question, NOW) >= 0.5


@pytest.mark.parametrize(
    "question",
    [
        "",
        "Write a haiku about moss.",
        "What is the capital of France?",
        "Explain what happened in 1969 and in 2015.",
        "Fix this:\n```python\nprint('latest news today')\n```",
        "The renewed snowstorm scheduled nothing.",
    ],
)
def test_questions_that_stay_the_same(question: str) -> None:
    assert timeliness(question, NOW) < 0.5


def test_signs_of_several_kinds_add_up_and_stay_below_one() -> None:
    one, two = timeliness("the current one", NOW), timeliness("the current news", NOW)
    assert 0 < one < two < timeliness("search the web for the latest current news of 2026", NOW) < 1
