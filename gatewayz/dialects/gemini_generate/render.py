"""A request to Gemini's generateContent.

Source: Google, Gemini API reference "models.generateContent", guides "Function calling", "Thinking" and
"Thought signatures" (2026-11); spec 01 §1.1.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gatewayz.dialects.gemini_generate.contents import render_contents
from gatewayz.dialects.gemini_generate.schema import clean_schema
from gatewayz.dialects.losing import budget_of, effort_of, lose_cache_marks, lose_extra, lose_opaque_tools, lose_values
from gatewayz.sdk.chat import ModelCall, ReasoningConfig, Tool, ToolChoice
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import GEMINI_GENERATE

__all__ = ["LEAST_OUTPUT_TOKENS", "render_call"]

LEAST_OUTPUT_TOKENS: Final = 16
"""A smaller limit is raised to this (spec 01 §1.1)."""
_VERSION: Final = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_LEVELS: Final = {
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_DYNAMIC_BUDGET: Final = -1
_LEAST_PRO_BUDGET: Final = 128
"""Gemini 2.5 Pro cannot stop thinking; this is the least it takes."""

JsonObject = dict[str, Any]


def render_call(call: ModelCall, *, model: str, losses: Losses) -> Rendered:
    """Return the request body; model and streaming are in the URL, not here."""
    lose_values(
        losses,
        hints={
            "logit_bias": call.logit_bias,
            "user": call.user,
            "metadata": call.metadata,
            "service_tier": call.service_tier if call.service_tier not in ("auto", "default") else None,
            "parallel_tool_calls": call.tools and call.parallel_tool_calls is False,
            "tools.strict": any(tool.strict for tool in call.tools),
        },
        semantics={},
    )
    lose_extra(call, GEMINI_GENERATE, losses)
    lose_opaque_tools(call, GEMINI_GENERATE, losses)
    lose_cache_marks(call, losses)
    version = _version(model)
    instructions, contents = render_contents(call.messages, losses, sign_calls=version >= (3, 0))
    body: JsonObject = {"contents": contents}
    if instructions:
        body["systemInstruction"] = {"parts": instructions}
    tools = _render_tools(call.tools, losses)
    tools += [dict(tool.value) for tool in call.opaque_tools if tool.format == GEMINI_GENERATE]
    if tools:
        body["tools"] = tools
        if call.tool_choice is not None:
            body["toolConfig"] = {"functionCallingConfig": _render_choice(call.tool_choice)}
    if generation := _render_generation(call, model, version, losses):
        body["generationConfig"] = generation
    if call.format == GEMINI_GENERATE:
        body = {**(call.extra or {}), **body}
    return Rendered(body=msgspec.json.encode(body), dropped=losses.dropped)


def _version(model: str) -> tuple[int, int]:
    """Return Gemini's version from a model id; (0, 0) for other families and for `-latest` names."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _render_tools(tools: Sequence[Tool], losses: Losses) -> list[JsonObject]:
    if not tools:
        return []
    declarations: list[JsonObject] = []
    for tool in tools:
        declaration: JsonObject = {"name": tool.name}
        if tool.description is not None:
            declaration["description"] = tool.description
        if tool.parameters and tool.parameters.get("properties") != {}:
            declaration["parametersJsonSchema"] = clean_schema(
                tool.parameters, lambda keyword: losses.hint(f"tools.parameters.{keyword}")
            )
        declarations.append(declaration)
    return [{"functionDeclarations": declarations}]


def _render_choice(choice: ToolChoice) -> JsonObject:
    match choice.mode:
        case "named":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
        case "required":
            return {"mode": "ANY"}
        case "none":
            return {"mode": "NONE"}
        case "auto":
            return {"mode": "AUTO"}


def _render_generation(call: ModelCall, model: str, version: tuple[int, int], losses: Losses) -> JsonObject:
    generation: JsonObject = {}
    for name, value in (
        ("temperature", call.temperature),
        ("topP", call.top_p),
        ("topK", call.top_k),
        ("seed", call.seed),
        ("frequencyPenalty", call.frequency_penalty),
        ("presencePenalty", call.presence_penalty),
        ("candidateCount", call.n if call.n != 1 else None),
        ("stopSequences", call.stop or None),
        ("maxOutputTokens", max(call.max_tokens, LEAST_OUTPUT_TOKENS) if call.max_tokens is not None else None),
    ):
        if value is not None:
            generation[name] = value
    if call.logprobs:
        generation["responseLogprobs"] = True
        if call.top_logprobs:
            generation["logprobs"] = call.top_logprobs
    format = call.response_format
    if format is not None and format.kind != "text" and call.tools and (0, 0) < version < (3, 0):
        losses.semantic("response_format")  # before Gemini 3, JSON output and functions exclude each other
    elif format is not None and format.kind != "text":
        generation["responseMimeType"] = "application/json"
        if format.schema is not None:
            generation["responseJsonSchema"] = clean_schema(
                format.schema, lambda keyword: losses.hint(f"response_format.schema.{keyword}")
            )
    if call.reasoning is not None:
        thinking = _render_thinking(call.reasoning, model, version)
        if thinking is not None:
            generation["thinkingConfig"] = thinking
        elif call.reasoning.enabled and effort_of(call.reasoning) != "none":
            losses.hint("reasoning")
    return generation


def _render_thinking(reasoning: ReasoningConfig, model: str, version: tuple[int, int]) -> JsonObject | None:
    """Return `thinkingConfig`: levels from Gemini 3 on, budgets before, None for models that do not think."""
    if "gemini" not in model or (0, 0) < version < (2, 5):
        return None
    budget = budget_of(reasoning)
    if version >= (3, 0) and (reasoning.budget_tokens is None or budget == 0):
        least = "minimal" if "flash" in model else "low"
        if budget == 0:
            return {"includeThoughts": False, "thinkingLevel": least}
        level = _LEVELS.get(reasoning.effort or "")
        thinking: JsonObject = {"includeThoughts": True}
        if level is not None:
            thinking["thinkingLevel"] = least if level == "minimal" else level
        return thinking
    if budget == 0:
        return {"includeThoughts": False, "thinkingBudget": _LEAST_PRO_BUDGET if "pro" in model else 0}
    return {"includeThoughts": True, "thinkingBudget": _DYNAMIC_BUDGET if budget is None else budget}
