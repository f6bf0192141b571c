"""What differs between the model families behind Converse: thinking, `top_k`, prompt caching.

Source: AWS, Bedrock user guide "Inference request parameters" by model, "Extended thinking", "Adaptive
thinking", "Prompt caching" (2026-11).
"""

import re
from typing import Any, Final

from gatewayz.dialects.losing import budget_of, effort_of
from gatewayz.sdk.chat import ModelCall, ReasoningConfig
from gatewayz.sdk.dialect import Losses

__all__ = ["caches_prompts", "is_claude", "render_family_fields"]

_CLAUDE_VERSION: Final = re.compile(r"claude-[a-z]+-(\d+)(?:-(\d{1,2}))?(?!\d)")
_ADAPTIVE_SINCE: Final = (4, 6)
_LEAST_BUDGET: Final = 1024
_DEFAULT_BUDGET: Final = 8192

JsonObject = dict[str, Any]


def is_claude(model: str) -> bool:
    """Whether thinking signatures of Anthropic's own API are good for this model too."""
    return "anthropic." in model or "claude" in model


def caches_prompts(model: str) -> bool:
    """Whether the model takes cache points; others refuse them."""
    return is_claude(model) or "nova" in model


def render_family_fields(call: ModelCall, model: str, losses: Losses) -> JsonObject:
    """Return `additionalModelRequestFields`: what Converse itself has no member for."""
    fields: JsonObject = {}
    if call.top_k is not None:
        if is_claude(model):
            fields["top_k"] = call.top_k
        elif "nova" in model:
            fields["inferenceConfig"] = {"topK": call.top_k}
        else:
            losses.hint("top_k")
    reasoning = call.reasoning
    if reasoning is None:
        return fields
    if is_claude(model):
        fields |= _render_claude_thinking(call, reasoning, model, losses)
    elif "gpt-oss" in model and budget_of(reasoning) != 0:
        fields["reasoning_effort"] = effort_of(reasoning)
    elif "nova-2" in model and budget_of(reasoning) != 0:
        effort = effort_of(reasoning)
        known = effort if effort in ("low", "medium", "high") else "low" if effort == "minimal" else "high"
        fields["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": known}
    elif budget_of(reasoning) != 0:
        losses.hint("reasoning")
    return fields


def _render_claude_thinking(call: ModelCall, reasoning: ReasoningConfig, model: str, losses: Losses) -> JsonObject:
    budget = budget_of(reasoning)
    if budget == 0:
        return {}
    if call.tool_choice is not None and call.tool_choice.mode in ("required", "named"):
        losses.hint("reasoning")  # a forced tool and thinking exclude each other; the tool is what was meant
        return {}
    if _version(model) >= _ADAPTIVE_SINCE and reasoning.budget_tokens is None:
        thinking: JsonObject = {"thinking": {"type": "adaptive"}}
        if reasoning.effort is not None:
            effort = "low" if reasoning.effort == "minimal" else reasoning.effort
            thinking["output_config"] = {"effort": effort}
        return thinking
    budget = max(budget if budget is not None else _DEFAULT_BUDGET, _LEAST_BUDGET)
    if call.max_tokens is not None and budget >= call.max_tokens:
        budget = call.max_tokens - 1
    if budget < _LEAST_BUDGET:
        losses.hint("reasoning")
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _version(model: str) -> tuple[int, int]:
    found = _CLAUDE_VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)
