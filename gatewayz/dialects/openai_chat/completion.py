"""Whole answers of chat completions, read and written. Source: spec 01 §1.4."""

from typing import Any, Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_chat.outgoing_messages import render_tool_call
from gatewayz.dialects.openai_chat.reply_wire import (
    Delta,
    Reply,
    ReplyChoice,
    ToolCallDelta,
    finish_reason,
    text_of,
    unix_seconds,
)
from gatewayz.dialects.openai_usage import render_openai_usage, usage_from_openai
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.chat import Choice, Completion, ModelCall, Part, Reasoning, Refusal, Text, ToolUse
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.usage import NO_USAGE
from gatewayz.sdk.wire import OPENAI_CHAT

__all__ = ["FINISH_WORDS", "chat_id", "parse_completion", "reasoning_detail", "render_completion", "signed_call"]

FINISH_WORDS: Final = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "stop_sequence": "stop",
    "error": "error",
}
_REPLY: Final = msgspec.json.Decoder(Reply)
_ID_PREFIX: Final = "chatcmpl-"


def parse_completion(body: bytes) -> Completion:
    """Return a whole answer. Raises UpstreamBroken when it is not one, the error it tells of when it is an error."""
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise UpstreamBroken("the provider's answer is not a chat completion") from err
    if reply.error and not reply.choices:
        raise error_from_object(reply.error)
    if not reply.choices:
        raise UpstreamBroken("the provider's answer has no choices")
    return Completion(
        id=reply.id or "",
        model=reply.model or "",
        created=unix_seconds(reply.created),
        choices=tuple(_parse_choice(choice, reply.id or "") for choice in reply.choices),
        usage=(memoryview(reply.usage) and usage_from_openai(reply.usage)) or NO_USAGE,
        service_tier=reply.service_tier,
    )


def _parse_choice(choice: ReplyChoice, id: str) -> Choice:
    message = choice.message or Delta()
    parts: list[Part] = _parse_reasoning(message)
    if text := text_of(message.content):
        parts.append(Text(text=text))
    if message.refusal:
        parts.append(Refusal(text=message.refusal))
    calls = list(message.tool_calls or ())
    if message.function_call is not None:
        calls.append(ToolCallDelta(function=message.function_call))
    parts += [_parse_call(call, f"call_{id}_{choice.index}_{number}") for number, call in enumerate(calls)]
    reason = finish_reason(choice.finish_reason or "stop", called_tools=bool(calls))
    if reason == "error":
        raise UpstreamBroken("the provider stopped with an error")
    return Choice(index=choice.index, parts=tuple(parts), finish_reason=reason, logprobs=choice.logprobs)


def _parse_reasoning(message: Delta) -> list[Part]:
    signed: list[Part] = [
        Reasoning(
            text=detail.text or "",
            signature=detail.signature,
            redacted=detail.data,
            id=detail.id,
            origin=detail.format or OPENAI_CHAT,
        )
        for detail in message.reasoning_details or ()
        if detail.text or detail.data or detail.signature
    ]
    text = message.reasoning_content or message.reasoning
    if signed or not isinstance(text, str) or not text:
        return signed
    return [Reasoning(text=text, origin=OPENAI_CHAT)]


def _parse_call(call: ToolCallDelta, own_id: str) -> ToolUse:
    if call.function is None or not call.function.name:
        raise UpstreamBroken("the provider called a tool without naming it")
    arguments = call.function.arguments
    if not isinstance(arguments, str):
        arguments = msgspec.json.encode(arguments or {}).decode()
    return ToolUse(id=call.id or own_id, name=call.function.name, arguments=arguments or "{}")


def render_completion(completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
    """Return a whole answer; `completion.model` is what the caller sees."""
    rendered: dict[str, Any] = {
        "id": chat_id(completion.id),
        "object": "chat.completion",
        "created": completion.created,
        "model": completion.model,
        "choices": [_render_choice(choice) for choice in completion.choices],
        "usage": render_openai_usage(completion.usage),
        "gateway_usage": gateway_usage,
    }
    if completion.service_tier is not None:
        rendered["service_tier"] = completion.service_tier
    return msgspec.json.encode(rendered)


def chat_id(id: str) -> str:
    """Return an id of the form clients know; another provider's id stays visible in it."""
    return id if id.startswith(_ID_PREFIX) else _ID_PREFIX + id


def _render_choice(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    calls = [signed_call(part) for part in choice.parts if isinstance(part, ToolUse)]
    thoughts = [part for part in choice.parts if isinstance(part, Reasoning)]
    if texts or not (calls or refusals):
        message["content"] = "".join(texts)
    if refusals:
        message["refusal"] = "".join(refusals)
    if thought := "".join(part.text for part in thoughts):
        message["reasoning_content"] = thought
    if any(part.signature is not None or part.redacted is not None for part in thoughts):
        message["reasoning_details"] = [reasoning_detail(part) for part in thoughts]
    if calls:
        message["tool_calls"] = calls
    return {
        "index": choice.index,
        "message": message,
        "logprobs": choice.logprobs,
        "finish_reason": FINISH_WORDS[choice.finish_reason],
    }


def signed_call(call: ToolUse) -> dict[str, Any]:
    """Return a tool call with the thought signature that must come back with it, where there is one.

    Source: Google, "OpenAI compatibility", thought signatures (2026-11).
    """
    rendered = render_tool_call(call)
    if call.signature is not None:
        rendered["extra_content"] = {"google": {"thought_signature": call.signature}}
    return rendered


def reasoning_detail(part: Reasoning) -> dict[str, Any]:
    """Return a block of thinking with what its provider needs back; `format` says whose it is."""
    if part.redacted is not None:
        rendered: dict[str, Any] = {"type": "reasoning.encrypted", "data": part.redacted}
    else:
        rendered = {"type": "reasoning.text", "text": part.text, "signature": part.signature}
    if part.id is not None:
        rendered["id"] = part.id
    rendered["format"] = part.origin
    return rendered
