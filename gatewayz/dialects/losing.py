"""What every upstream format asks itself before rendering: which parts of a call it has no place for."""

from collections.abc import Mapping
from typing import Any, Final

from gatewayz.sdk.chat import ModelCall, ReasoningConfig
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.wire import Format

__all__ = [
    "EFFORT_BUDGET_TOKENS",
    "budget_of",
    "effort_of",
    "lose_cache_marks",
    "lose_extra",
    "lose_opaque_tools",
    "lose_values",
]

EFFORT_BUDGET_TOKENS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 32768,
}
"""Thinking budgets that stand for effort words where a format only knows tokens.

Source: Google, "OpenAI compatibility", table of `reasoning_effort` (2026-11); above high: the largest budget there is.
"""


def lose_values(losses: Losses, *, hints: Mapping[str, Any], semantics: Mapping[str, Any]) -> None:
    """Report each parameter that is set. Raises UnsupportedFeature as the policy says."""
    for name, value in semantics.items():
        if _is_set(value):
            losses.semantic(name)
    for name, value in hints.items():
        if _is_set(value):
            losses.hint(name)


def _is_set(value: Any) -> bool:
    """A penalty of 0.0 changes nothing; a seed of 0 is a seed."""
    return bool(value) or type(value) is int


def lose_extra(call: ModelCall, format: Format, losses: Losses) -> None:
    """Report the fields that only another format knows."""
    if call.format != format:
        for name in call.extra or ():
            losses.hint(name)


def lose_opaque_tools(call: ModelCall, format: Format, losses: Losses) -> None:
    """Report tools that only a provider of another format can run."""
    for tool in call.opaque_tools:
        if tool.format != format:
            losses.semantic(f"tools.{tool.value.get('type', 'tool')}")


def effort_of(reasoning: ReasoningConfig) -> str:
    """Return how much to think as a word, when only a token budget was given."""
    if not reasoning.enabled:
        return "none"
    if reasoning.effort is not None:
        return reasoning.effort
    if reasoning.budget_tokens is None:
        return "medium"
    for word in ("low", "medium"):
        if reasoning.budget_tokens <= EFFORT_BUDGET_TOKENS[word]:
            return word
    return "high"


def budget_of(reasoning: ReasoningConfig) -> int | None:
    """Return how much to think in tokens: 0 for none, None to leave it to the model."""
    if not reasoning.enabled or reasoning.effort == "none":
        return 0
    if reasoning.budget_tokens is not None:
        return reasoning.budget_tokens
    return EFFORT_BUDGET_TOKENS.get(reasoning.effort or "")


def lose_cache_marks(call: ModelCall, losses: Losses) -> None:
    """Report prompt-cache breakpoints, once, for formats whose providers cache on their own or not at all."""
    marked = any(getattr(part, "cache", None) for message in call.messages for part in message.parts)
    if marked or any(tool.cache for tool in call.tools):
        losses.hint("cache_control")
