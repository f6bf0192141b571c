import sys
from subprocess import run

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayz.domain.usage.tokens import count_tokens, encoding_of, estimate_tokens


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (4000, 1000)])
def test_the_estimate_is_a_quarter_of_the_characters_rounded_up(characters: int, tokens: int) -> None:
    assert estimate_tokens(characters) == tokens


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("openai/gpt-4o", "o200k_base"),
        ("openai/gpt-4.1", "o200k_base"),
        ("anthropic/claude-opus-4.5", "o200k_base"),
        ("openai/gpt-4", "cl100k_base"),
        ("openai/gpt-4-turbo", "cl100k_base"),
        ("openai/gpt-3.5-turbo", "cl100k_base"),
        ("openai/text-embedding-3-small", "cl100k_base"),
    ],
)
def test_older_openai_models_have_their_own_vocabulary(model: str, encoding: str) -> None:
    assert encoding_of(model) == encoding


def test_counts_are_those_of_the_vocabulary() -> None:
    assert count_tokens(["hello world"], "o200k_base") == 2
    assert count_tokens(["hello world", "hello world"], "o200k_base") == 4
    assert count_tokens([], "o200k_base") == 0
    text = "こんにちは、世界。元気ですか"
    assert count_tokens([text], "o200k_base") < count_tokens([text], "cl100k_base")


def test_text_that_looks_like_a_special_token_is_text() -> None:
    assert count_tokens(["<|endoftext|>"], "o200k_base") > 1


def test_the_tokenizer_is_not_imported_with_the_module() -> None:
    code = "import sys, gatewayz.domain.usage.token_counter; sys.exit('toktok' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_has_a_count(texts: list[str]) -> None:
    assert count_tokens(texts, "o200k_base") == sum(count_tokens([text], "o200k_base") for text in texts)
