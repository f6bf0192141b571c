from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.catalog.suggestions import Suggester

IDS = (
    "openai/gpt-4o", "openai/gpt-4o-mini", "openai/gpt-5.1", "openai/o3", "anthropic/claude-sonnet-4.5",
    "anthropic/claude-opus-4.5", "meta-llama/llama-3.3-70b-instruct", "google/gemini-2.5-pro", "deepseek/deepseek-r1",
)  # fmt: skip
SUGGESTER = Suggester(IDS, {"sonnet-4.5": "anthropic/claude-sonnet-4.5"})


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("gpt-4oo", "openai/gpt-4o"),
        ("openai/gpt4o", "openai/gpt-4o"),
        ("GPT-4o-mimi", "openai/gpt-4o-mini"),
        ("openia/gpt-5.1", "openai/gpt-5.1"),
        ("claude-sonet-4.5", "anthropic/claude-sonnet-4.5"),
        ("sonnet4.5", "anthropic/claude-sonnet-4.5"),
        ("lama-3.3-70b", "meta-llama/llama-3.3-70b-instruct"),
        ("google/gemini-25-pro", "google/gemini-2.5-pro"),
        ("deepseek/deepseek-r-1", "deepseek/deepseek-r1"),
    ],
)
def test_the_closest_id_comes_first(wanted: str, expected: str) -> None:
    assert SUGGESTER.suggest(wanted)[0] == expected


@pytest.mark.parametrize("wanted", ["", "   ", "zzzzqqq", "🦙", "x" * 500])
def test_nothing_is_suggested_where_nothing_is_close(wanted: str) -> None:
    assert SUGGESTER.suggest(wanted) == ()


@given(st.text(max_size=200))
def test_any_text_gets_at_most_five_known_ids(wanted: str) -> None:
    found = SUGGESTER.suggest(wanted)
    assert len(found) <= 5
    assert len(set(found)) == len(found)
    assert set(found) <= set(IDS)


def test_five_thousand_models_take_a_few_milliseconds() -> None:
    suggester = Suggester([f"maker{at % 40}/model-{at}.{at % 7}-instruct" for at in range(5000)], {})
    spent = []
    for _ in range(5):
        started = process_time()
        assert suggester.suggest("maker3/modle-123.4-instrct")
        spent.append(process_time() - started)
    assert min(spent) < 0.010
