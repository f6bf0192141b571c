"""SDKs of one vendor towards upstreams of the other: what the format of the caller promises holds all the same."""

import asyncio
from typing import Any

import anthropic
import httpx
import msgspec
import openai
import pytest
from pydantic import BaseModel

from tests.fakes.said import Call, Said, say, take_turns
from tests.live.conftest import Live

CLAUDE = "anthropic/claude-sonnet-4.5"
GPT = "openai/gpt-4o"
CHAT_ONLY = "mistralai/mistral-7b-instruct:free"
ASK: Any = [{"role": "user", "content": "How is the weather in Paris and in Rome?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_TOOL: Any = {"type": "function", "function": {"name": "get_weather", "description": "W.", "parameters": SCHEMA}}
ANTHROPIC_TOOL: Any = {"name": "get_weather", "description": "W.", "input_schema": SCHEMA}
PARIS = Call(id="call_paris", name="get_weather", arguments='{"city": "Paris"}')
ROME = Call(id="call_rome", name="get_weather", arguments='{"city": "Rome"}')


class Weather(BaseModel):
    city: str
    celsius: float


# ---------------------------------------------------------------- OpenAI's SDK, Anthropic's upstream


def test_openai_tools_in_a_stream_from_anthropic(live: Live, openai_client: openai.OpenAI) -> None:
    live.anthropic.behave = say(Said(text="Let me look.", calls=(PARIS, ROME)))
    with openai_client.chat.completions.stream(model=CLAUDE, messages=ASK, tools=[OPENAI_TOOL]) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.finish_reason == "tool_calls" and final.message.content == "Let me look."
    calls = final.message.tool_calls or []
    assert [(call.id, call.function.arguments) for call in calls] == [(c.id, c.arguments) for c in (PARIS, ROME)]
    assert live.anthropic.seen[0].body["tools"][0]["input_schema"] == SCHEMA


def test_openai_raw_chunks_from_anthropic(live: Live, openai_client: openai.OpenAI) -> None:
    live.anthropic.behave = say(Said(text="Hm.", calls=(PARIS,), cached_tokens=5))
    for asked in (False, True):
        options: Any = {"stream_options": {"include_usage": True}} if asked else {}
        chunks = list(openai_client.chat.completions.create(model=CLAUDE, messages=ASK, stream=True, **options))
        assert len({chunk.id for chunk in chunks}) == 1 and {chunk.model for chunk in chunks} == {CLAUDE}
        assert chunks[0].choices[0].delta.role == "assistant"
        assert [bool(chunk.choices) for chunk in chunks] == [True] * (len(chunks) - asked) + [False] * asked
        finishes = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
        assert finishes[-1] == "tool_calls" and set(finishes[:-1]) == {None}
        if asked:
            usage = chunks[-1].usage
            assert usage is not None and usage.prompt_tokens == 14 and usage.completion_tokens == 2
            assert usage.prompt_tokens_details is not None and usage.prompt_tokens_details.cached_tokens == 5


def test_openai_tool_results_to_anthropic(live: Live, openai_client: openai.OpenAI) -> None:
    live.anthropic.behave = take_turns(Said(calls=(PARIS, ROME)), Said(text="Warm in Rome."))
    rules: Any = {"role": "system", "content": "Be short."}
    turn = openai_client.chat.completions.create(model=CLAUDE, messages=[rules, *ASK], tools=[OPENAI_TOOL])
    calls = turn.choices[0].message.tool_calls or []
    results: list[Any] = [{"role": "tool", "tool_call_id": call.id, "content": f"{call.id}: 12"} for call in calls]
    messages = [rules, *ASK, turn.choices[0].message, *results]
    again = openai_client.chat.completions.create(model=CLAUDE, messages=messages, tools=[OPENAI_TOOL])
    assert again.choices[0].message.content == "Warm in Rome."
    sent = live.anthropic.seen[1].body
    assert "Be short." in msgspec.json.encode(sent["system"]).decode()
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert [block["tool_use_id"] for block in sent["messages"][2]["content"]] == ["call_paris", "call_rome"]


def test_openai_structured_output_from_anthropic(live: Live, openai_client: openai.OpenAI) -> None:
    live.anthropic.behave = say(Said(text='{"city": "Paris", "celsius": 12.5}'))
    parsed = openai_client.chat.completions.parse(model=CLAUDE, messages=ASK, response_format=Weather)
    assert parsed.choices[0].message.parsed == Weather(city="Paris", celsius=12.5)
    form = live.anthropic.seen[0].body["output_config"]["format"]
    assert form["type"] == "json_schema" and set(form["schema"]["required"]) == {"city", "celsius"}


def test_openai_pictures_to_anthropic(live: Live, openai_client: openai.OpenAI) -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
    ]
    openai_client.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": content}])  # type: ignore[misc,list-item]
    sources = [block["source"] for block in live.anthropic.seen[0].body["messages"][0]["content"][1:]]
    assert sources[0] == {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert sources[1] == {"type": "url", "url": "https://example.com/cat.png"}


def test_openai_sampling_to_anthropic_and_what_is_lost(live: Live, openai_client: openai.OpenAI) -> None:
    reply = openai_client.chat.completions.create(
        model=CLAUDE, messages=ASK, stop=["END"], temperature=0.5, max_completion_tokens=7, seed=1, user="u-1"
    )
    sent = live.anthropic.seen[0].body
    assert sent["stop_sequences"] == ["END"] and sent["temperature"] == 0.5 and sent["max_tokens"] == 7
    assert reply.model_extra is not None and "seed" in reply.model_extra["gateway_usage"]["dropped"]


def test_openai_legacy_completions_from_anthropic(live: Live, openai_client: openai.OpenAI) -> None:
    whole = openai_client.completions.create(model=CLAUDE, prompt="ping", max_tokens=4)
    assert whole.choices[0].text == "pong" and whole.choices[0].finish_reason == "stop"
    chunks = list(openai_client.completions.create(model=CLAUDE, prompt="ping", max_tokens=4, stream=True))
    assert all(type(chunk.choices[0].text) is str for chunk in chunks)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "pong"


def test_thinking_of_anthropic_reaches_an_openai_caller(live: Live, openai_client: openai.OpenAI) -> None:
    live.anthropic.behave = say(Said(thinking="A ball game.", signature="c2ln", text="pong"))
    chunks = openai_client.chat.completions.create(
        model=CLAUDE, messages=ASK, stream=True, reasoning_effort="medium", max_completion_tokens=9000
    )
    extras = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert "".join(extra.get("reasoning_content") or "" for extra in extras) == "A ball game."
    assert live.anthropic.seen[0].body["thinking"]["type"] in ("enabled", "adaptive")


async def test_async_openai_from_anthropic(live: Live, async_openai: openai.AsyncOpenAI) -> None:
    asked = [async_openai.chat.completions.create(model=CLAUDE, messages=ASK, max_tokens=9) for _ in range(6)]
    assert {reply.choices[0].message.content for reply in await asyncio.gather(*asked)} == {"pong"}


# ---------------------------------------------------------------- Anthropic's SDK, OpenAI's upstream


@pytest.mark.parametrize("model", [GPT, CHAT_ONLY])
def test_anthropic_tools_in_a_stream_from_openai(live: Live, anthropic_client: anthropic.Anthropic, model: str) -> None:
    stub = live.openai if model == GPT else live.openrouter
    stub.behave = say(Said(text="Let me look.", calls=(PARIS, ROME), cached_tokens=4))
    with anthropic_client.messages.stream(model=model, max_tokens=64, messages=ASK, tools=[ANTHROPIC_TOOL]) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop" and kinds.count("message_delta") == 1
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 3
    text, *calls = final.content
    assert text.type == "text" and text.text == "Let me look." and final.stop_reason == "tool_use"
    assert [(call.id, call.input) for call in calls if call.type == "tool_use"] == [
        ("call_paris", {"city": "Paris"}),
        ("call_rome", {"city": "Rome"}),
    ]
    assert (final.usage.input_tokens, final.usage.cache_read_input_tokens, final.usage.output_tokens) == (5, 4, 2)
    assert stub.seen[0].path == "/v1/chat/completions" and final.model == model


def test_anthropic_tool_results_to_openai(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    live.openai.behave = take_turns(Said(calls=(PARIS, ROME)), Said(text="Warm in Rome."))
    options: Any = {"model": GPT, "max_tokens": 64, "tools": [ANTHROPIC_TOOL], "system": "Be short."}
    first = anthropic_client.messages.create(messages=ASK, tool_choice={"type": "any"}, **options)
    calls: list[Any] = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": calls[0].id, "content": "12 degrees"}]
    results.append({"type": "tool_result", "tool_use_id": calls[1].id, "content": [{"type": "text", "text": "30"}]})
    messages: Any = [*ASK, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = anthropic_client.messages.create(messages=messages, **options)
    assert second.content[0].type == "text" and second.content[0].text == "Warm in Rome."
    assert live.openai.seen[0].body["tool_choice"] == "required"
    sent = live.openai.seen[1].body["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool", "tool"]
    assert [message["tool_call_id"] for message in sent[3:]] == ["call_paris", "call_rome"]
    assert msgspec.json.decode(sent[2]["tool_calls"][1]["function"]["arguments"]) == {"city": "Rome"}


def test_anthropic_structured_output_from_openai(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    live.openai.behave = say(Said(text='{"city": "Paris", "celsius": 12.5}'))
    parsed = anthropic_client.messages.parse(model=GPT, max_tokens=64, messages=ASK, output_format=Weather)
    assert parsed.parsed_output == Weather(city="Paris", celsius=12.5)
    form = live.openai.seen[0].body["response_format"]
    assert form["type"] == "json_schema" and set(form["json_schema"]["schema"]["required"]) == {"city", "celsius"}


def test_the_tool_named_json_that_the_ai_sdk_forces(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    live.openai.behave = say(Said(calls=(Call(id="call_1", name="json", arguments='{"city": "Paris"}'),)))
    tool: Any = {"name": "json", "description": "Respond with a JSON object.", "input_schema": SCHEMA}
    choice: Any = {"type": "any", "disable_parallel_tool_use": True}
    reply = anthropic_client.messages.create(model=GPT, max_tokens=64, messages=ASK, tools=[tool], tool_choice=choice)
    assert reply.content[0].type == "tool_use" and reply.content[0].input == {"city": "Paris"}
    sent = live.openai.seen[0].body
    assert sent["tool_choice"] == "required" and sent["parallel_tool_calls"] is False


def test_anthropic_pictures_and_stops_to_openai(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    content: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
    ]
    reply = anthropic_client.messages.create(
        model=GPT,
        max_tokens=64,
        messages=[{"role": "user", "content": content}],
        stop_sequences=["END"],
        extra_body={"temperature": 0.5},
    )
    sent = live.openai.seen[0].body
    assert sent["messages"][0]["content"][0]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="
    assert sent["stop"] == ["END"] and sent["temperature"] == 0.5
    assert "cache_control" not in msgspec.json.encode(sent).decode()
    assert reply.stop_reason == "end_turn"


def test_an_answer_cut_by_its_limit(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    live.openai.behave = say(Said(text="Once upon a", cut=True))
    assert anthropic_client.messages.create(model=GPT, max_tokens=3, messages=ASK).stop_reason == "max_tokens"


def test_tokens_are_counted_for_a_foreign_model(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    assert anthropic_client.messages.count_tokens(model=GPT, messages=ASK).input_tokens > 8
    assert live.openai.seen == []


async def test_async_anthropic_from_openai(live: Live, async_anthropic: anthropic.AsyncAnthropic) -> None:
    async with async_anthropic.messages.stream(model=GPT, max_tokens=64, messages=ASK) as stream:
        assert "".join([text async for text in stream.text_stream]) == "pong"


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "id": "thread_1"}])
def test_message_threads_are_refused_so_that_sdks_resend(live: Live, thread: dict[str, str]) -> None:
    body = {"model": GPT, "max_tokens": 64, "messages": ASK, "thread": thread}
    headers = {"x-api-key": live.key, "anthropic-beta": "message-threads-2026-08-12"}
    reply = httpx.post(f"{live.gateway.base}/v1/messages", json=body, headers=headers)
    error = reply.json()
    assert reply.status_code == 400 and error["type"] == "error"
    assert error["error"]["type"] == "invalid_request_error"
    details = error["error"]["details"]
    assert details["error_code"] == "thread_unsupported_request" and details["unsupported"] == ["thread"]
    assert live.openai.seen == []


def test_the_tool_runner_comes_through_without_a_thread(live: Live, anthropic_client: anthropic.Anthropic) -> None:
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Tell the weather."""
        return f"12 degrees in {city}"

    live.openai.behave = take_turns(Said(calls=(PARIS, ROME)), Said(text="Warm in Rome."))
    runner = anthropic_client.beta.messages.tool_runner(model=GPT, max_tokens=64, messages=ASK, tools=[get_weather])
    final: Any = runner.until_done()
    assert final.content[-1].text == "Warm in Rome."
    sent = [seen.body["messages"] for seen in live.openai.seen]
    assert [[message["role"] for message in messages] for messages in sent] == [
        ["user"],
        ["user", "assistant", "tool", "tool"],
    ]
    assert "12 degrees in Rome" in msgspec.json.encode(sent[1][3]).decode()


# ---------------------------------------------------------------- broken streams


@pytest.mark.parametrize("caller", ["openai", "anthropic"])
def test_an_early_end_is_an_error_in_the_callers_words(live: Live, caller: str) -> None:
    whole = say(Said(text="Once upon a time there was a stream that ended."))

    def stops(seen: Any) -> Any:
        status, headers, pieces = whole(seen)
        return status, headers, pieces[:6]

    live.openai.behave = live.anthropic.behave = stops
    path, model = ("/v1/chat/completions", CLAUDE) if caller == "openai" else ("/v1/messages", GPT)
    body = {"model": model, "max_tokens": 64, "messages": ASK, "stream": True}
    text = live.client.post(path, json=body).text
    assert "[DONE]" not in text and "message_stop" not in text and '"finish_reason":"stop"' not in text
    last = text.strip().split("\n\n")[-1]
    if caller == "openai":
        assert last.startswith('data: {"error":{"message":"')
    else:
        assert last.startswith("event: error\ndata: ") and '"type":"error"' in last
