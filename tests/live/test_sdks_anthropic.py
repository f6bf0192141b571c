"""Anthropic's Python SDK on messages, towards an upstream of the same format."""

from typing import Any

import anthropic
import httpx
import msgspec
import pytest
from pydantic import BaseModel

from tests.fakes.said import Call, Said, say, take_turns
from tests.live.conftest import Live

MODEL = "anthropic/claude-sonnet-4.5"
ASK: Any = [{"role": "user", "content": "How is the weather in Paris and in Zürich?"}]
TOOL: Any = {
    "name": "get_weather",
    "description": "Tell the weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PARIS = Call(id="toolu_paris", name="get_weather", arguments='{"city": "Paris"}')
ZURICH = Call(id="toolu_zurich", name="get_weather", arguments='{"city": "Z\\u00fcrich \\"Hb\\""}')


class Weather(BaseModel):
    city: str
    celsius: float


def test_parallel_tool_calls_stream_their_input(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    live.anthropic.behave = say(Said(text="Let me look.", calls=(PARIS, ZURICH)))
    with anthropic_client.messages.stream(model=MODEL, max_tokens=64, messages=ASK, tools=[TOOL]) as stream:
        parts = [event.partial_json for event in stream if event.type == "input_json"]
        final = stream.get_final_message()
    assert "".join(parts) == PARIS.arguments + ZURICH.arguments and len(parts) > 4
    text, first, second = final.content
    assert text.type == "text" and text.text == "Let me look." and final.stop_reason == "tool_use"
    assert first.type == second.type == "tool_use"
    assert (first.id, first.input, second.input) == ("toolu_paris", {"city": "Paris"}, {"city": 'Zürich "Hb"'})
    assert final.usage.input_tokens == 9 and final.usage.output_tokens == 2 and final.model == MODEL
    assert live.anthropic.seen[0].body["tools"] == [TOOL]


def test_thinking_keeps_its_signature_over_three_turns(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    signatures = ["c2lnbmF0dXJlLTE=", "c2lnbmF0dXJlLTI=", "c2lnbmF0dXJlLTM="]
    live.anthropic.behave = take_turns(
        Said(thinking="I should ask for Paris.", signature=signatures[0], calls=(PARIS,)),
        Said(thinking="Now Zürich.", signature=signatures[1], calls=(ZURICH,)),
        Said(thinking="I know both.", signature=signatures[2], text="Cool in both."),
    )
    messages: list[Any] = list(ASK)
    options: Any = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "tools": [TOOL], "max_tokens": 2048}
    for turn in range(3):
        with anthropic_client.messages.stream(model=MODEL, messages=messages, **options) as stream:
            final = stream.get_final_message()
        thought: Any = final.content[0]
        assert thought.type == "thinking" and thought.signature == signatures[turn]
        messages.append({"role": "assistant", "content": final.content})
        calls: list[Any] = [block for block in final.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": "12 degrees"} for call in calls]
        messages.append({"role": "user", "content": results})
    sent = live.anthropic.seen[2].body["messages"]
    blocks = [block for message in sent if message["role"] == "assistant" for block in message["content"]]
    assert [block["signature"] for block in blocks if block["type"] == "thinking"] == signatures[:2]
    assert [block["thinking"] for block in blocks if block["type"] == "thinking"] == [
        "I should ask for Paris.",
        "Now Zürich.",
    ]


def test_cache_control_and_cache_usage_pass(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    live.anthropic.behave = say(Said(text="pong", cached_tokens=2000, cache_write_tokens=100))
    mark = {"type": "ephemeral", "ttl": "1h"}
    system: Any = [{"type": "text", "text": "Long rules.", "cache_control": mark}]
    content: Any = [{"type": "text", "text": "ping", "cache_control": {"type": "ephemeral"}}]
    reply = anthropic_client.messages.create(
        model=MODEL,
        max_tokens=64,
        system=system,
        messages=[{"role": "user", "content": content}],
    )
    sent = live.anthropic.seen[0].body
    assert sent["system"] == system and sent["messages"][0]["content"] == content
    assert reply.usage.cache_read_input_tokens == 2000 and reply.usage.cache_creation_input_tokens == 100
    assert reply.model_extra is not None and reply.model_extra["gateway_usage"]["tokens_charged"] >= 11


def test_structured_output_is_parsed(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    live.anthropic.behave = say(Said(text='{"city": "Paris", "celsius": 12.5}'))
    parsed = anthropic_client.messages.parse(model=MODEL, max_tokens=64, messages=ASK, output_format=Weather)
    assert parsed.parsed_output == Weather(city="Paris", celsius=12.5)
    assert live.anthropic.seen[0].body["output_config"]["format"]["type"] == "json_schema"


def test_pictures_documents_and_stop_sequences(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    content: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/cat.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Facts."}, "title": "F"},
        {"type": "text", "text": "What is this?"},
    ]
    anthropic_client.messages.create(
        model=MODEL,
        max_tokens=64,
        messages=[{"role": "user", "content": content}],
        stop_sequences=["END"],
        extra_body={"temperature": 0.5, "top_k": 3},
        metadata={"user_id": "u"},
    )
    sent = live.anthropic.seen[0].body
    assert sent["messages"][0]["content"] == content and sent["stop_sequences"] == ["END"] and sent["top_k"] == 3
    assert sent["metadata"] == {"user_id": "u"}


def test_tokens_are_counted_without_a_call(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    short = anthropic_client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "ping"}])
    long = anthropic_client.messages.count_tokens(
        model=MODEL, messages=[{"role": "user", "content": "ping " * 500}], tools=[TOOL], system="Rules."
    )
    assert 0 < short.input_tokens < 20 < 400 < long.input_tokens
    assert live.anthropic.seen == []


def test_the_beta_client_and_its_headers(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    reply = anthropic_client.beta.messages.create(
        model=MODEL, max_tokens=64, messages=ASK, betas=["files-api-2025-04-14", "never-heard-of-2030-01-01"]
    )
    assert reply.content[0].type == "text"
    assert "never-heard-of-2030-01-01" in live.anthropic.seen[0].headers["anthropic-beta"]


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_every_version_is_served(live: Live, version: str) -> None:
    body = {"model": MODEL, "max_tokens": 64, "messages": ASK}
    headers = {"x-api-key": live.key, "anthropic-version": version}
    reply = httpx.post(f"{live.gateway.base}/v1/messages", json=body, headers=headers)
    assert reply.status_code == 200 and live.anthropic.seen[0].headers["anthropic-version"] == version


def test_a_base_url_with_v1(live: Live) -> None:
    url = f"{live.gateway.base}/v1"
    with anthropic.Anthropic(base_url=url, api_key=live.key, max_retries=0) as client:
        assert client.messages.create(model=MODEL, max_tokens=64, messages=ASK).stop_reason == "end_turn"
        assert client.messages.count_tokens(model=MODEL, messages=ASK).input_tokens > 5


def test_an_auth_token_is_a_key_too(live: Live) -> None:
    with anthropic.Anthropic(base_url=live.gateway.base, auth_token=live.key, max_retries=0) as client:
        assert client.messages.create(model=MODEL, max_tokens=64, messages=ASK).stop_reason == "end_turn"


async def test_async_stream_with_thinking(live: Live, async_anthropic: anthropic.AsyncAnthropic) -> None:
    live.anthropic.behave = say(Said(thinking="Hm, a ball game.", signature="c2ln", text="pong"))
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    async with async_anthropic.messages.stream(model=MODEL, max_tokens=2048, messages=ASK, thinking=thinking) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_message()
    assert kinds.count("message_stop") == 1 and "thinking" in kinds and "text" in kinds
    assert [block.type for block in final.content] == ["thinking", "text"]


def test_what_claude_code_sends_is_accepted(live: Live) -> None:
    body = {
        "model": MODEL,
        "max_tokens": 32000,
        "stream": True,
        "system": [{"type": "text", "text": "You are an agent. " * 6000, "cache_control": {"type": "ephemeral"}}],
        "messages": ASK,
        "tools": [TOOL],
        "metadata": {"user_id": "user_1"},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }
    headers = {
        "x-api-key": live.key,
        "accept": "application/json",
        "accept-encoding": "gzip, deflate, br, zstd",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27",
    }
    reply = httpx.post(f"{live.gateway.base}/v1/messages?beta=true", json=body, headers=headers, timeout=20)
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in reply.headers and "event: message_stop" in reply.text
    sent = live.anthropic.seen[0].body
    assert {name: sent[name] for name in body} == {**body, "model": sent["model"]}


def test_a_break_after_content_is_one_error_event(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    def breaks(seen: Any) -> Any:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        event = b"event: error\ndata: " + msgspec.json.encode(error) + b"\n\n"
        status, headers, pieces = say(Said(text="Once upon a time"))(seen)
        return status, headers, [*pieces[:4], 0.3, event]

    live.anthropic.behave = breaks
    live.openrouter.fail(503, "Overloaded")
    texts: list[str] = []
    options: Any = {"model": MODEL, "max_tokens": 64, "messages": ASK}
    with (
        pytest.raises(anthropic.APIStatusError, match="verload"),
        anthropic_client.messages.stream(**options) as stream,
    ):
        texts.extend(stream.text_stream)
    assert "".join(texts) == "Once upon a ti" and live.openrouter.seen == []
