import sys
from subprocess import run

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewayz.domain.usage.tokens import count_tokens, estimate_tokens, load_tokenizer


@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (4000, 1000)])
def test_the_estimate_is_a_quarter_of_the_characters_rounded_up(characters: int, tokens: int) -> None:
    assert estimate_tokens(characters) == tokens


def test_counts_are_those_of_the_vocabulary() -> None:
    assert count_tokens(["hello world"], "openai/gpt-4o") == 2
    assert count_tokens(["hello world", "hello world"], "anthropic/claude-opus-4.5") == 4
    assert count_tokens(["hello world"], "openai/gpt-4") == 2
    assert count_tokens([], "openai/gpt-4o") == 0


def test_older_openai_models_have_their_own_vocabulary() -> None:
    text = "こんにちは、世界。元気ですか"
    older = count_tokens([text], "openai/gpt-4-turbo")
    assert older == count_tokens([text], "openai/gpt-4") == count_tokens([text], "openai/gpt-3.5-turbo")
    assert count_tokens([text], "openai/gpt-4o") < older
    assert count_tokens([text], "openai/gpt-4.1") == count_tokens([text], "openai/gpt-4o")


def test_text_that_looks_like_a_special_token_is_text() -> None:
    assert count_tokens(["<|endoftext|>"], "openai/gpt-4o") > 1


def test_half_a_surrogate_pair_is_counted() -> None:
    assert count_tokens(["a\ud800b", "plain"], "openai/gpt-4o") >= 2


def test_the_tokenizer_is_not_imported_with_the_module() -> None:
    code = "import sys, gatewayz.domain.usage.tokens; sys.exit('toktok' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_loading_beforehand_changes_no_count() -> None:
    load_tokenizer()
    assert count_tokens(["hello"], "x/y") == 1


@settings(deadline=None)
@given(st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=5))
def test_any_text_has_a_count(texts: list[str]) -> None:
    assert count_tokens(texts, "openai/gpt-4o") == sum(count_tokens([text], "openai/gpt-4o") for text in texts)
