"""OpenAI's Python SDK on the responses API: same format, towards a chat upstream, towards Anthropic's."""

from typing import Any

import msgspec
import openai
import pytest
from pydantic import BaseModel

from tests.fakes.said import Call, Said, say
from tests.fakes.stub_upstream import StubUpstream
from tests.live.conftest import Live

MODELS = {
    "openai": "openai/gpt-4o-mini",
    "openrouter": "mistralai/mistral-7b-instruct:free",
    "anthropic": "anthropic/claude-3.5-sonnet",
}
"""By the upstream that serves them: the same format, chat completions only, Anthropic messages."""
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}
PARIS = Call(id="call_paris", name="get_weather", arguments='{"city": "Paris"}')
ROME = Call(id="call_rome", name="get_weather", arguments='{"city": "Rome"}')


class Weather(BaseModel):
    city: str
    celsius: float


def upstream_of(live: Live, name: str) -> StubUpstream:
    stub: StubUpstream = getattr(live, name)
    return stub


@pytest.mark.parametrize("upstream", MODELS)
def test_a_whole_answer(live: Live, openai_client: openai.OpenAI, upstream: str) -> None:
    answer = openai_client.responses.create(model=MODELS[upstream], input="ping", instructions="Be short.")
    assert answer.output_text == "pong" and answer.status == "completed" and answer.model == MODELS[upstream]
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (9, 2, 11)
    assert answer.model_extra is not None and answer.model_extra["gateway_usage"]["provider"] == upstream
    assert len(upstream_of(live, upstream).seen) == 1


@pytest.mark.parametrize("upstream", MODELS)
def test_a_stream_has_every_event_in_order(live: Live, openai_client: openai.OpenAI, upstream: str) -> None:
    upstream_of(live, upstream).behave = say(Said(text="Let me look it up.", calls=(PARIS, ROME)))
    with openai_client.responses.stream(model=MODELS[upstream], input="Weather?", tools=[TOOL]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    assert {
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
    } <= set(kinds)
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == final.output_text == "Let me look it up."
    calls: list[Any] = [item for item in final.output if item.type == "function_call"]
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [
        ("call_paris", "get_weather", PARIS.arguments),
        ("call_rome", "get_weather", ROME.arguments),
    ]
    assert final.usage is not None and final.usage.total_tokens == 11


@pytest.mark.parametrize("upstream", MODELS)
def test_function_results_go_back(live: Live, openai_client: openai.OpenAI, upstream: str) -> None:
    stub = upstream_of(live, upstream)
    stub.behave = say(Said(calls=(PARIS, ROME)))
    conversation: list[Any] = [{"role": "developer", "content": "Be short."}, {"role": "user", "content": "Weather?"}]
    model = MODELS[upstream]
    first = openai_client.responses.create(model=model, input=conversation, tools=[TOOL], store=False)
    calls: list[Any] = [item for item in first.output if item.type == "function_call"]
    assert [call.call_id for call in calls] == ["call_paris", "call_rome"]
    conversation += first.output
    conversation += [
        {"type": "function_call_output", "call_id": call.call_id, "output": "12 degrees"} for call in calls
    ]
    stub.behave = say(Said(text="Cool in both."))
    second = openai_client.responses.create(model=model, input=conversation, tools=[TOOL], store=False)
    assert second.output_text == "Cool in both."
    sent = msgspec.json.encode(stub.seen[1].body).decode()
    assert sent.count("12 degrees") == 2 and "call_rome" in sent and "get_weather" in sent


@pytest.mark.parametrize("upstream", MODELS)
def test_structured_output_is_parsed(live: Live, openai_client: openai.OpenAI, upstream: str) -> None:
    upstream_of(live, upstream).behave = say(Said(text='{"city": "Paris", "celsius": 12.5}'))
    parsed = openai_client.responses.parse(model=MODELS[upstream], input="Weather?", text_format=Weather)
    assert parsed.output_parsed == Weather(city="Paris", celsius=12.5)
    assert "celsius" in msgspec.json.encode(upstream_of(live, upstream).seen[0].body).decode()


@pytest.mark.parametrize("upstream", ["openrouter", "anthropic"])
def test_an_answer_cut_by_its_limit_is_incomplete(live: Live, openai_client: openai.OpenAI, upstream: str) -> None:
    upstream_of(live, upstream).behave = say(Said(text="Once upon a", cut=True))
    answer = openai_client.responses.create(model=MODELS[upstream], input="Tell", max_output_tokens=16)
    assert answer.status == "incomplete" and answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("upstream", ["openrouter", "anthropic"])
def test_pictures_are_translated(live: Live, openai_client: openai.OpenAI, upstream: str) -> None:
    parts = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"},
    ]
    message: Any = [{"role": "user", "content": parts}]
    openai_client.responses.create(model=MODELS[upstream], input=message)
    sent = upstream_of(live, upstream).seen[0].body["messages"][-1]["content"]
    if upstream == "anthropic":
        assert sent[1]["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    else:
        assert sent[1]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo="


async def test_async_stream(live: Live, async_openai: openai.AsyncOpenAI) -> None:
    async with async_openai.responses.stream(model=MODELS["anthropic"], input="ping") as stream:
        texts = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        assert (await stream.get_final_response()).output_text == "".join(texts) == "pong"


@pytest.mark.parametrize("upstream", MODELS)
def test_an_upstream_that_just_stops_is_a_failure(live: Live, openai_client: openai.OpenAI, upstream: str) -> None:
    whole = say(Said(text="Once upon a time there was a stream."))

    def stops(seen: Any) -> Any:
        status, headers, pieces = whole(seen)
        return status, headers, pieces[:6]

    upstream_of(live, upstream).behave = stops
    events: list[Any] = list(openai_client.responses.create(model=MODELS[upstream], input="Tell", stream=True))
    kinds = [event.type for event in events]
    assert "response.output_text.delta" in kinds and "response.completed" not in kinds
    assert kinds[-1] in ("error", "response.failed")
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_what_codex_sends_is_accepted(live: Live, openai_client: openai.OpenAI) -> None:
    extras: Any = {
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "medium", "summary": "auto"},
        "prompt_cache_key": "0f1e",
        "client_metadata": {"originator": "codex"},
        "parallel_tool_calls": True,
        "tool_choice": "auto",
    }
    shell = {"type": "function", "name": "shell", "strict": False, "parameters": {"type": "object", "properties": {}}}
    items = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "rules " * 6000}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List files"}]},
    ]
    for upstream, model in MODELS.items():
        body = {"model": model, "input": items, "instructions": "You are a coding agent.", "tools": [shell], **extras}
        with live.client.stream("POST", "/v1/responses", json={**body, "stream": True}) as reply:
            text = reply.read().decode()
        assert reply.status_code == 200, text
        assert "event: response.completed" in text, upstream
    assert live.openai.seen[0].body["client_metadata"] == {"originator": "codex"}
