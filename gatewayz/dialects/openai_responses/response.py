"""The response object: a whole answer, and the shell around it that stream events repeat.

Source: OpenAI API reference, "The response object" (2026-11).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.counts import count, members
from gatewayz.dialects.openai_responses.freeform import freeform_names
from gatewayz.dialects.openai_responses.output import parse_output, render_output
from gatewayz.dialects.openai_responses.tools import render_text_format, render_tool_choice, render_tools
from gatewayz.dialects.openai_responses.usage import render_usage, usage_from_responses
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.chat import Choice, Completion, FinishReason, ModelCall, ToolUse
from gatewayz.sdk.errors import UpstreamBroken

__all__ = [
    "finish_reason",
    "incomplete_reason",
    "parse_completion",
    "render_completion",
    "response_shell",
    "response_stem",
]

_INCOMPLETE: dict[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_stem(id: str) -> str:
    """Return what the ids of a response and its items share, whatever format the answer's id came in."""
    for prefix in ("resp_", "chatcmpl-", "msg_"):
        id = id.removeprefix(prefix)
    return id


def incomplete_reason(reason: FinishReason) -> str | None:
    """Return why a response with this finish is incomplete; None when it is complete."""
    return _INCOMPLETE.get(reason)


def response_shell(call: ModelCall, *, id: str, model: str, created: int, status: str) -> dict[str, Any]:
    """Return a response without output and usage; it repeats the call's settings, as clients' types require."""
    extra = call.extra or {}
    reasoning = call.reasoning
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": extra.get("instructions"),
        "max_output_tokens": call.max_tokens,
        "metadata": call.metadata or {},
        "model": model,
        "output": [],
        "parallel_tool_calls": call.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": extra.get("prompt_cache_key"),
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": reasoning.summary if reasoning else None,
        },
        "service_tier": call.service_tier or "default",
        "store": False,
        "temperature": 1.0 if call.temperature is None else call.temperature,
        "text": {"format": render_text_format(call.response_format)},
        "tool_choice": render_tool_choice(call.tool_choice) or "auto",
        "tools": render_tools(call),
        "top_logprobs": call.top_logprobs or 0,
        "top_p": 1.0 if call.top_p is None else call.top_p,
        "truncation": extra.get("truncation") or "disabled",
        "user": call.user,
    }


def render_completion(completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
    """Return a whole answer; only the first choice has a place in this format."""
    stem = response_stem(completion.id)
    choice = completion.choices[0] if completion.choices else Choice()
    incomplete = incomplete_reason(choice.finish_reason)
    status = "incomplete" if incomplete else "failed" if choice.finish_reason == "error" else "completed"
    response = response_shell(
        call, id=f"resp_{stem}", model=completion.model, created=completion.created, status=status
    )
    if incomplete:
        response["incomplete_details"] = {"reason": incomplete}
    if status == "failed":
        response["error"] = {"code": "server_error", "message": "the provider stopped with an error"}
    if completion.service_tier:
        response["service_tier"] = completion.service_tier
    logprobs = (choice.logprobs or {}).get("content") or ()
    response["output"] = render_output(choice.parts, stem=stem, freeform=freeform_names(call), logprobs=logprobs)
    if incomplete:
        for item in response["output"][-1:]:
            if "status" in item:
                item["status"] = "incomplete"
    response["usage"] = render_usage(completion.usage)
    response["gateway_usage"] = gateway_usage
    return msgspec.json.encode(response)


def finish_reason(response: Mapping[str, Any], *, calls_tools: bool) -> FinishReason:
    """Return why an upstream's answer ended."""
    if response.get("status") == "incomplete":
        reason = members(response, "incomplete_details").get("reason")
        return "content_filter" if reason == "content_filter" else "length"
    return "tool_calls" if calls_tools else "stop"


def parse_completion(body: bytes) -> Completion:
    """Return an upstream's whole answer.

    Raises UpstreamBroken when it is not of the format, or the class that its error stands for.
    """
    try:
        response = msgspec.json.decode(body, type=dict[str, Any])
        if response.get("error") or response.get("status") in ("failed", "cancelled"):
            raise error_from_object(response.get("error"))
        parts, logprobs = parse_output(msgspec.convert(response["output"], list[Any]))
        id, model = str(response["id"]), str(response["model"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError) as err:
        raise UpstreamBroken("the provider's answer is not a response object") from err
    tier = response.get("service_tier")
    return Completion(
        id=id,
        model=model,
        created=count(response, "created_at"),
        choices=(
            Choice(
                parts=tuple(parts),
                finish_reason=finish_reason(response, calls_tools=any(isinstance(part, ToolUse) for part in parts)),
                logprobs={"content": logprobs} if logprobs else None,
            ),
        ),
        usage=usage_from_responses(response.get("usage")),
        service_tier=tier if isinstance(tier, str) else None,
    )
