"""Calls are judged before anything is held, kept or sent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import msgspec
import pytest

from gatewayz.flow.guard import guarded as judged
from gatewayz.flow.pipeline import answer
from gatewayz.loader.guardrail_fence import FencedGuardrail, GuardrailBroken
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.guardrails import GuardedCall, GuardrailBlocked
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_RESPONSES, Format
from tests.fakes.flow import CALLER, Scene, WireFake
from tests.unit.flow.test_pipeline import WHOLE

MESSAGE = b'{"id":"m","type":"message","role":"assistant","content":[],"stop_reason":"end_turn","usage":{}}'


class Shout:
    """Makes texts loud, and refuses a word."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def check_request(self, call: GuardedCall, texts: Sequence[str]) -> Sequence[str]:
        assert (call.user_id, call.key_id) == (7, 3)
        self.seen += texts
        if any("secret" in text for text in texts):
            raise GuardrailBlocked("No secrets.", param="messages")
        return [text.replace("loud", "LOUD") for text in texts]


class Broken:
    def __init__(self, given: Any) -> None:
        self.given = given

    async def check_request(self, call: GuardedCall, texts: Sequence[str]) -> Any:
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


def guarded(wire: WireFake, inner: Any, on_error: Literal["refuse", "pass"] = "refuse") -> Scene:
    scene = Scene(a=wire)
    scene.edition = replace(scene.edition, guardrails={"g": FencedGuardrail("g", inner, on_error)})
    return scene


async def test_texts_and_tool_arguments_are_changed_and_nothing_else() -> None:
    scene = guarded(WireFake(WHOLE), shout := Shout())
    call = {"id": "loud", "type": "function", "function": {"name": "loud", "arguments": '{"q":["loud"]}'}}
    messages = [
        {"role": "system", "content": "loud"},
        {"role": "user", "content": [{"type": "text", "text": "so loud"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "loud", "content": "loud"},
    ]
    await answer(scene.inbound(messages=messages, user="loud"), CALLER, scene.edition)
    sent = msgspec.json.decode(scene.providers["a"].calls[0].fields["messages"])
    assert [each["content"] for each in sent] == ["LOUD", [{"type": "text", "text": "so LOUD"}], None, "LOUD"]
    function = sent[2]["tool_calls"][0]["function"]
    assert function == {"name": "loud", "arguments": '{"q":["LOUD"]}'} and sent[3]["tool_call_id"] == "loud"
    assert shout.seen == ["loud", "so loud", "loud", "loud"]


async def test_messages_are_read_too() -> None:
    scene = guarded(WireFake(MESSAGE, format=ANTHROPIC_MESSAGES), Shout())
    content = [{"type": "tool_use", "id": "t", "name": "loud", "input": {"deep": [{"q": "loud"}]}}]
    result = [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "loud"}]}]
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": result},
    ]
    body: dict[str, Any] = {"messages": messages, "system": "loud", "max_tokens": 5}
    await answer(scene.inbound(ANTHROPIC_MESSAGES, **body), CALLER, scene.edition)
    fields = scene.providers["a"].calls[0].fields
    sent = msgspec.json.decode(fields["messages"])
    assert msgspec.json.decode(fields["system"]) == "LOUD"
    assert sent[1]["content"][0]["input"] == {"deep": [{"q": "LOUD"}]} and sent[1]["content"][0]["name"] == "loud"
    assert sent[2]["content"][0]["content"][0]["text"] == "LOUD"


async def test_a_call_that_is_not_changed_goes_out_as_it_came() -> None:
    scene = guarded(WireFake(WHOLE), Shout())
    spaced = b'{"model":"vendor/model",  "messages": [ {"role":"user","content":"quiet \\u00e9"} ]}'
    await answer(msgspec.structs.replace(scene.inbound(), body=spaced), CALLER, scene.edition)
    assert bytes(scene.providers["a"].calls[0].fields["messages"]) == b'[ {"role":"user","content":"quiet \\u00e9"} ]'


async def test_a_refusal_costs_nothing_and_sends_nothing() -> None:
    scene = guarded(WireFake(WHOLE), Shout())
    with pytest.raises(GuardrailBlocked):
        await answer(scene.inbound(messages=[{"role": "user", "content": "secret"}]), CALLER, scene.edition)
    assert not scene.providers["a"].calls and not scene.billing.asked and not scene.records.settlements


@pytest.mark.parametrize("given", [ValueError("x"), None, [], ["a", "b"], [1]])
async def test_a_broken_guardrail_refuses_or_passes_as_it_is_told(given: Any) -> None:
    with pytest.raises(GuardrailBroken):
        scene = guarded(WireFake(WHOLE), Broken(given))
        await answer(scene.inbound(), CALLER, scene.edition)
    scene = guarded(WireFake(WHOLE), Broken(given), "pass")
    await answer(scene.inbound(), CALLER, scene.edition)
    assert len(scene.providers["a"].calls) == 1


DOCUMENT = {"type": "text", "media_type": "text/plain", "data": "loud data"}
PLACES: list[tuple[Format, dict[str, Any], list[str]]] = [
    (
        ANTHROPIC_MESSAGES,
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "document", "source": DOCUMENT, "title": "loud title", "context": "loud context"}
                    ],
                },
                {"role": "assistant", "content": [{"type": "mcp_tool_use", "id": "x", "input": {"card": 4111}}]},
            ]
        },
        ["loud data", "loud title", "loud context", "4111"],
    ),
    (
        OPENAI_CHAT,
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": None,
                    "refusal": "loud no",
                    "reasoning_content": "loud thought",
                    "tool_calls": [{"id": "loud", "type": "custom", "custom": {"name": "loud", "input": "loud input"}}],
                }
            ],
            "prediction": {"type": "content", "content": "loud guess"},
        },
        ["loud no", "loud thought", "loud input", "loud guess"],
    ),
    (OPENAI_COMPLETIONS, {"prompt": "loud", "suffix": "loud end"}, ["loud", "loud end"]),
    (
        OPENAI_RESPONSES,
        {"prompt": {"id": "loud", "variables": {"a": "loud a", "b": {"type": "input_text", "text": "loud b"}}}},
        ["loud a", "loud b"],
    ),
]


@pytest.mark.parametrize(("format", "body", "texts"), PLACES, ids=lambda each: each if isinstance(each, str) else "")
async def test_every_place_of_a_text_is_read(format: Format, body: dict[str, Any], texts: list[str]) -> None:
    scene = guarded(WireFake(WHOLE), shout := Shout())
    inbound = scene.inbound(format)
    await judged(msgspec.structs.replace(inbound, body=msgspec.json.encode(body)), CALLER, scene.edition)
    assert shout.seen == texts


async def test_a_number_that_nobody_can_hold_is_the_callers_fault() -> None:
    scene = guarded(WireFake(WHOLE), Shout())
    body = b'{"model":"vendor/model","messages":[{"role":"user","content":"x","zz":1e400}]}'
    with pytest.raises(InvalidRequest):
        await answer(msgspec.structs.replace(scene.inbound(), body=body), CALLER, scene.edition)


@pytest.mark.parametrize("depth", [400, 500, 600, 900, 3000])
async def test_arguments_nested_too_deep_are_one_text(depth: int) -> None:
    scene = guarded(WireFake(WHOLE), shout := Shout())
    nested = "[" * depth + '"a"' + "]" * depth
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": nested}}
    await answer(scene.inbound(messages=[{"role": "assistant", "tool_calls": [call]}]), CALLER, scene.edition)
    assert shout.seen in ([nested], ["a"])
