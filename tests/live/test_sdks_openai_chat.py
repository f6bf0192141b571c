"""OpenAI's Python SDK on chat completions and legacy completions, towards an upstream of the same format."""

import asyncio
from typing import Any

import msgspec
import openai
from pydantic import BaseModel

from tests.fakes.said import Call, Said, say
from tests.live.conftest import Live

MODEL = "openai/gpt-4o-mini"
ASK: Any = [{"role": "user", "content": "How is the weather in Paris and in Zürich?"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
PARIS = Call(id="call_paris", name="get_weather", arguments='{"city": "Paris"}')
ZURICH = Call(id="call_zurich", name="get_weather", arguments='{"city": "Z\\u00fcrich \\"Hb\\""}')


class Weather(BaseModel):
    city: str
    celsius: float


def test_parallel_tool_calls_stream_their_arguments(live: Live, openai_client: openai.OpenAI) -> None:
    live.openai.behave = say(Said(text="Let me look.", calls=(PARIS, ZURICH)))
    with openai_client.chat.completions.stream(model=MODEL, messages=ASK, tools=[TOOL]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion().choices[0]
    assert [event.arguments for event in done] == [PARIS.arguments, ZURICH.arguments]
    assert final.finish_reason == "tool_calls" and final.message.content == "Let me look."
    calls = final.message.tool_calls or []
    assert [(call.id, call.function.name) for call in calls] == [
        ("call_paris", "get_weather"),
        ("call_zurich", "get_weather"),
    ]
    assert calls[1].function.parsed_arguments == {"city": 'Zürich "Hb"'}
    assert live.openai.seen[0].body["tools"] == [TOOL]


def test_raw_chunks_keep_the_streams_rules(live: Live, openai_client: openai.OpenAI) -> None:
    live.openai.behave = say(Said(calls=(PARIS, ZURICH)))
    chunks = list(openai_client.chat.completions.create(model=MODEL, messages=ASK, tools=[TOOL], stream=True))
    assert len({chunk.id for chunk in chunks}) == 1 and {chunk.model for chunk in chunks} == {MODEL}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices for chunk in chunks), "a chunk without choices was not asked for"
    finishes = [chunk.choices[0].finish_reason for chunk in chunks]
    assert finishes[-1] == "tool_calls" and set(finishes[:-1]) == {None}
    first: dict[int, Any] = {}
    for chunk in chunks:
        for call in chunk.choices[0].delta.tool_calls or []:
            first.setdefault(call.index, call)
    assert [(call.id, call.function.name) for call in first.values()] == [
        ("call_paris", "get_weather"),
        ("call_zurich", "get_weather"),
    ]


def test_usage_comes_last_when_asked_for(live: Live, openai_client: openai.OpenAI) -> None:
    live.openai.behave = say(Said(text="pong", input_tokens=20, cached_tokens=12))
    options: Any = {"include_usage": True}
    chunks = list(openai_client.chat.completions.create(model=MODEL, messages=ASK, stream=True, stream_options=options))
    assert [bool(chunk.choices) for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    usage = chunks[-1].usage
    assert usage is not None and (usage.prompt_tokens, usage.total_tokens) == (20, 22)
    assert usage.prompt_tokens_details is not None and usage.prompt_tokens_details.cached_tokens == 12
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_tool_results_go_back(live: Live, openai_client: openai.OpenAI) -> None:
    live.openai.behave = say(Said(calls=(PARIS, ZURICH)))
    turn = openai_client.chat.completions.create(model=MODEL, messages=ASK, tools=[TOOL], parallel_tool_calls=True)
    message = turn.choices[0].message
    assert message.content is None and turn.choices[0].finish_reason == "tool_calls"
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"} for call in message.tool_calls or []
    ]
    live.openai.behave = say(Said(text="Cool in both."))
    messages: Any = [*ASK, message, *results]
    again = openai_client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert again.choices[0].message.content == "Cool in both."
    sent = live.openai.seen[1].body["messages"]
    assert [entry["role"] for entry in sent] == ["user", "assistant", "tool", "tool"]
    assert sent[1]["tool_calls"][1]["function"]["arguments"] == ZURICH.arguments
    assert live.openai.seen[0].body["parallel_tool_calls"] is True


def test_structured_output_is_parsed(live: Live, openai_client: openai.OpenAI) -> None:
    live.openai.behave = say(Said(text='{"city": "Paris", "celsius": 12.5}'))
    parsed = openai_client.chat.completions.parse(model=MODEL, messages=ASK, response_format=Weather)
    assert parsed.choices[0].message.parsed == Weather(city="Paris", celsius=12.5)
    sent = live.openai.seen[0].body["response_format"]
    assert sent["type"] == "json_schema" and sent["json_schema"]["strict"] is True
    assert set(sent["json_schema"]["schema"]["required"]) == {"city", "celsius"}


def test_pictures_and_unknown_fields_survive(live: Live, openai_client: openai.OpenAI) -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
    ]
    messages: Any = [{"role": "user", "content": content}]
    openai_client.chat.completions.create(
        model=MODEL, messages=messages, extra_body={"prediction_hint": {"deep": [1, 2.50]}, "prompt_cache_key": "k"}
    )
    sent = live.openai.seen[0].body
    assert sent["messages"] == messages
    assert sent["prediction_hint"] == {"deep": [1, 2.50]} and sent["prompt_cache_key"] == "k"


def test_sampling_options_and_logprobs(live: Live, openai_client: openai.OpenAI) -> None:
    options: Any = {
        "seed": 42,
        "stop": ["END", "\n\n"],
        "temperature": 0.25,
        "top_p": 0.5,
        "logprobs": True,
        "top_logprobs": 3,
        "logit_bias": {"50256": -100},
        "frequency_penalty": 0.5,
        "presence_penalty": -0.5,
        "max_completion_tokens": 7,
        "user": "user-1",
        "service_tier": "auto",
    }
    reply = openai_client.chat.completions.create(model=MODEL, messages=ASK, **options)
    logprobs = reply.choices[0].logprobs
    assert logprobs is not None and logprobs.content is not None
    assert (logprobs.content[0].token, logprobs.content[0].logprob) == ("pong", -0.1)
    sent = live.openai.seen[0].body
    assert {name: sent[name] for name in options} == options


def test_the_answer_carries_the_gateways_facts(live: Live, openai_client: openai.OpenAI) -> None:
    raw = openai_client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=ASK)
    whole = raw.parse()
    assert raw.request_id == raw.headers["x-request-id"] == raw.headers["request-id"] == whole._request_id
    assert raw.headers["x-provider"] == "openai" and raw.headers["x-model"] == whole.model == MODEL
    usage: Any = (whole.model_extra or {})["gateway_usage"]
    assert usage["provider"] == "openai" and usage["cost_usd"] > 0


async def test_async_streams_run_side_by_side(live: Live, async_openai: openai.AsyncOpenAI) -> None:
    live.openai.behave = say(Said(text="The rain in Spain falls mainly on the plain.", calls=(PARIS,)))

    async def ask() -> Any:
        async with async_openai.chat.completions.stream(model=MODEL, messages=ASK, tools=[TOOL]) as stream:
            return (await stream.get_final_completion()).choices[0].message

    messages = await asyncio.gather(*(ask() for _ in range(8)))
    assert {message.content for message in messages} == {"The rain in Spain falls mainly on the plain."}
    assert all(message.tool_calls[0].function.arguments == PARIS.arguments for message in messages)


def test_legacy_completions(live: Live, openai_client: openai.OpenAI) -> None:
    whole = openai_client.completions.create(model=MODEL, prompt="ping", max_tokens=4, stop=["\n"], echo=False)
    assert whole.choices[0].text == "pong" and whole.model == MODEL
    assert live.openai.seen[0].path == "/v1/completions" and live.openai.seen[0].body["prompt"] == "ping"
    chunks = list(openai_client.completions.create(model=MODEL, prompt="ping", max_tokens=4, stream=True))
    assert all(type(chunk.choices[0].text) is str for chunk in chunks)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "pong"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"


def test_embeddings_come_as_the_sdk_asks_for_them(live: Live, openai_client: openai.OpenAI) -> None:
    reply = openai_client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert [row.embedding for row in reply.data] == [[0.5, 0.0], [0.5, 1.0]] and reply.usage.prompt_tokens == 3
    floats = openai_client.embeddings.create(model="text-embedding-3-small", input="a", encoding_format="float")
    assert floats.data[0].embedding == [0.5, 0.0]
    raw = openai_client.embeddings.with_raw_response.create(
        model="text-embedding-3-small", input="a", encoding_format="base64"
    )
    assert msgspec.json.decode(raw.content)["data"][0]["embedding"] == "AAAAPwAAAAA="
    tokens = openai_client.embeddings.create(model="text-embedding-3-small", input=[[1, 2, 3], [4]])
    assert len(tokens.data) == 2 and live.openai.seen[-1].body["input"] == [[1, 2, 3], [4]]


def test_embeddings_of_an_upstream_that_answers_in_base64(live: Live, openai_client: openai.OpenAI) -> None:
    row = {"object": "embedding", "index": 0, "embedding": "AAAAPwAAAAA="}
    body = {"object": "list", "data": [row], "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
    live.openai.behave = lambda seen: (200, {}, [msgspec.json.encode(body)])
    for encoding in ("float", "base64"):
        options: Any = {"encoding_format": encoding}
        raw = openai_client.embeddings.with_raw_response.create(model="text-embedding-3-small", input="a", **options)
        expected = [0.5, 0.0] if encoding == "float" else "AAAAPwAAAAA="
        assert msgspec.json.decode(raw.content)["data"][0]["embedding"] == expected
