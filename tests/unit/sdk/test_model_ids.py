from hypothesis import given
from hypothesis import strategies as st

from gatewayz.sdk.model_ids import ModelIds

RULES = ModelIds(table={"a/x": "X-1"}, keep=("openrouter/auto",), strip=("openrouter/", "openai/"))


def test_table_first() -> None:
    assert RULES.upstream_id("a/x") == "X-1"


def test_kept_ids_are_not_stripped() -> None:
    assert RULES.upstream_id("openrouter/auto") == "openrouter/auto"


def test_one_prefix_is_taken_off() -> None:
    assert RULES.upstream_id("openai/gpt-4o") == "gpt-4o"
    assert RULES.upstream_id("openrouter/openai/gpt-4o") == "openai/gpt-4o"


def test_a_prefix_alone_is_an_id() -> None:
    assert RULES.upstream_id("openai/") == "openai/"


def test_added_prefix_is_not_doubled() -> None:
    rules = ModelIds(add="accounts/f/models/")
    assert rules.upstream_id("llama") == "accounts/f/models/llama"
    assert rules.upstream_id("accounts/f/models/llama") == "accounts/f/models/llama"


@given(st.text())
def test_no_rules_change_nothing(model: str) -> None:
    assert ModelIds().upstream_id(model) == model
