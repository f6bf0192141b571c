"""What upstream formats report as lost, and how much thinking words and budgets stand for."""

import msgspec
import pytest

from gatewayz.dialects.losing import (
    budget_of,
    effort_of,
    lose_cache_marks,
    lose_extra,
    lose_opaque_tools,
    lose_values,
)
from gatewayz.sdk.chat import CacheMark, Message, ModelCall, Opaque, ReasoningConfig, Text, Tool
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import UnsupportedFeature
from gatewayz.sdk.wire import OPENAI_CHAT

CALL = ModelCall(model="m", messages=(), format=OPENAI_CHAT, extra={"odd": 1})


def test_only_values_that_are_set_are_lost() -> None:
    losses = Losses("drop")
    unset: dict[str, object] = {"none": None, "penalty": 0.0, "bias": {}, "flag": False}
    lose_values(losses, hints={**unset, "seed": 0, "top_p": 0.5}, semantics={"f": (), "g": ("x",)})
    assert losses.dropped == ("g", "seed", "top_p")


def test_semantics_are_refused_before_hints_are_dropped() -> None:
    losses = Losses()
    with pytest.raises(UnsupportedFeature):
        lose_values(losses, hints={"a": 1}, semantics={"b": 1})
    assert losses.dropped == ()


def test_extra_belongs_to_its_format() -> None:
    losses = Losses()
    lose_extra(CALL, OPENAI_CHAT, losses)
    assert not losses.dropped
    lose_extra(msgspec.structs.replace(CALL, format="other"), OPENAI_CHAT, losses)
    assert losses.dropped == ("odd",)


def test_opaque_tools_belong_to_their_format() -> None:
    tools = (Opaque(format="a", value={"type": "bash"}), Opaque(format=OPENAI_CHAT, value={}))
    losses = Losses("drop")
    lose_opaque_tools(msgspec.structs.replace(CALL, opaque_tools=tools), OPENAI_CHAT, losses)
    assert losses.dropped == ("tools.bash",)


@pytest.mark.parametrize(
    "call",
    [
        msgspec.structs.replace(CALL, tools=(Tool(name="f", cache=CacheMark()),)),
        msgspec.structs.replace(CALL, messages=(Message(role="user", parts=(Text(text="x", cache=CacheMark()),)),)),
    ],
)
def test_cache_marks_are_lost_once(call: ModelCall) -> None:
    losses = Losses()
    lose_cache_marks(CALL, losses)
    assert not losses.dropped
    lose_cache_marks(call, losses)
    assert losses.dropped == ("cache_control",)


@pytest.mark.parametrize(
    ("config", "effort", "budget"),
    [
        (ReasoningConfig(enabled=False), "none", 0),
        (ReasoningConfig(effort="none"), "none", 0),
        (ReasoningConfig(), "medium", None),
        (ReasoningConfig(effort="high"), "high", 24576),
        (ReasoningConfig(effort="odd"), "odd", None),
        (ReasoningConfig(budget_tokens=1000), "low", 1000),
        (ReasoningConfig(budget_tokens=8000), "medium", 8000),
        (ReasoningConfig(budget_tokens=9000), "high", 9000),
    ],
)
def test_effort_and_budget(config: ReasoningConfig, effort: str, budget: int | None) -> None:
    assert effort_of(config) == effort
    assert budget_of(config) == budget
