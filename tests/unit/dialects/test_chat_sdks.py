"""The official clients' own accumulators read what we render."""

from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import httpx2
import msgspec
import openai
import pytest
from hypothesis import given

from gatewayz.dialects.anthropic_errors import render_error as render_anthropic_error
from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT
from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT
from gatewayz.dialects.openai_completions import OPENAI_COMPLETIONS_DIALECT
from gatewayz.dialects.openai_errors import render_error as render_openai_error
from gatewayz.sdk import errors
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Completion,
    Event,
    ModelCall,
    Reasoning,
    StreamStarted,
    Text,
    TextDelta,
    ToolUse,
)
from gatewayz.sdk.usage import Usage
from tests.fakes.conversations import completions, essence, streams
from tests.fakes.patient_settings import PATIENT

CALL = ModelCall(model="m", messages=(), include_usage=True)
QUIET = ModelCall(model="m", messages=())
USAGE = Usage(input_tokens=3, cache_read_tokens=2, output_tokens=4)
ASK: Any = [{"role": "user", "content": "hi"}]


def answering(status: int, body: bytes, *, stream: bool) -> Callable[[httpx2.Request], httpx2.Response]:
    kind = "text/event-stream" if stream else "application/json"
    return lambda request: httpx2.Response(status, content=body, headers={"content-type": kind})


def openai_client(body: bytes, *, status: int = 200, stream: bool = False) -> openai.OpenAI:
    transport = httpx2.MockTransport(answering(status, body, stream=stream))
    return openai.OpenAI(
        api_key="k", base_url="http://gateway/v1", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def anthropic_client(body: bytes, *, status: int = 200, stream: bool = False) -> anthropic.Anthropic:
    transport = httpx2.MockTransport(answering(status, body, stream=stream))
    return anthropic.Anthropic(
        api_key="k", base_url="http://gateway", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def rendered(dialect: Any, events: list[Event], call: ModelCall = CALL) -> bytes:
    renderer = dialect.event_renderer(model="m", call=call)
    body: bytes = b"".join(map(renderer.render, events)) + renderer.finish(USAGE, {"cost_usd": 0.5})
    return body


def openai_essence(message: Any) -> list[Any]:
    kept: list[Any] = []
    if thought := getattr(message, "reasoning_content", None):
        kept.append(("reasoning", thought))
    if message.content:
        kept.append(("text", message.content))
    for use in message.tool_calls or ():
        kept.append(("call", use.id, use.function.name, msgspec.json.decode(use.function.arguments)))
    return kept


def anthropic_essence(message: Any) -> Iterator[Any]:
    for block in message.content:
        match block.type:
            case "thinking":
                yield ("reasoning", block.thinking)
            case "text":
                yield ("text", block.text)
            case "tool_use":
                yield ("call", block.id, block.name, block.input)


@PATIENT
@given(stream=streams(interleaved=True))
def test_openai_accumulates_our_streams(stream: tuple[Completion, list[Event]]) -> None:
    completion, events = stream
    client = openai_client(rendered(OPENAI_CHAT_DIALECT, events), stream=True)
    tools: Any = []
    with client.chat.completions.stream(model="m", messages=ASK, tools=tools) as reader:
        whole = reader.get_final_completion() if completion.choices[0].finish_reason == "stop" else None
        ids = {chunk.chunk.id for chunk in reader if chunk.type == "chunk"} if whole is None else {whole.id}
        snapshot = reader.current_completion_snapshot
    choice = snapshot.choices[0]
    assert ids == {"chatcmpl-abc"}
    assert openai_essence(choice.message) == essence(completion.choices[0].parts)
    assert choice.finish_reason == completion.choices[0].finish_reason
    assert snapshot.usage is not None
    assert (snapshot.usage.prompt_tokens, snapshot.usage.completion_tokens) == (5, 4)


@PATIENT
@given(stream=streams(interleaved=True))
def test_anthropic_accumulates_our_streams(stream: tuple[Completion, list[Event]]) -> None:
    completion, events = stream
    client = anthropic_client(rendered(ANTHROPIC_MESSAGES_DIALECT, events), stream=True)
    with client.messages.stream(model="m", messages=ASK, max_tokens=5) as reader:
        message = reader.get_final_message()
    assert message.id == "msg_abc"
    assert list(anthropic_essence(message)) == essence(completion.choices[0].parts)
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens, message.usage.output_tokens) == (3, 2, 4)


@PATIENT
@given(completion=completions())
def test_both_read_whole_answers(completion: Completion) -> None:
    expected = essence(completion.choices[0].parts)
    body = OPENAI_CHAT_DIALECT.render_completion(completion, call=CALL, gateway_usage={"provider": "p"})
    answer = openai_client(body).chat.completions.create(model="m", messages=ASK)
    assert openai_essence(answer.choices[0].message) == expected
    assert answer.model_extra is not None
    assert answer.model_extra["gateway_usage"] == {"provider": "p"}
    body = ANTHROPIC_MESSAGES_DIALECT.render_completion(completion, call=CALL, gateway_usage={"provider": "p"})
    message = anthropic_client(body).messages.create(model="m", messages=ASK, max_tokens=5)
    assert list(anthropic_essence(message)) == expected
    assert message.type == "message"


def test_openai_sees_usage_only_when_asked_for() -> None:
    events: list[Event] = [
        StreamStarted(id="a", model="m", created=1),
        TextDelta(text="x"),
        ChoiceFinished(reason="stop"),
    ]
    for call, asked in ((CALL, True), (QUIET, False)):
        client = openai_client(rendered(OPENAI_CHAT_DIALECT, events, call), stream=True)
        chunks = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
        assert [chunk.usage is not None for chunk in chunks].count(True) == asked
        assert all(chunk.choices for chunk in (chunks[:-1] if asked else chunks))
        extra = chunks[-1].model_extra
        assert extra is not None
        assert extra["gateway_usage"] == {"cost_usd": 0.5}
        assert chunks[0].choices[0].delta.role == "assistant"
        reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices]
        assert [reason for reason in reasons if reason] == ["stop"]


def test_openai_raises_on_our_error_event() -> None:
    renderer = OPENAI_CHAT_DIALECT.event_renderer(model="m", call=CALL)
    body = renderer.render(TextDelta(text="x")) + renderer.fail(errors.UpstreamBroken("the stream was cut"))
    assert b"[DONE]" not in body
    assert b'"finish_reason":"' not in body
    reader = openai_client(body, stream=True).chat.completions.create(model="m", messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="the stream was cut"):
        list(reader)


def test_anthropic_raises_on_our_error_event() -> None:
    renderer = ANTHROPIC_MESSAGES_DIALECT.event_renderer(model="m", call=CALL)
    body = renderer.render(TextDelta(text="x")) + renderer.fail(errors.UpstreamOverloaded("busy"))
    assert b"message_stop" not in body
    with (
        pytest.raises(anthropic.APIStatusError, match="busy"),
        anthropic_client(body, stream=True).messages.stream(model="m", messages=ASK, max_tokens=5) as reader,
    ):
        reader.get_final_message()


def test_anthropic_ignores_our_ping() -> None:
    body = ANTHROPIC_MESSAGES_DIALECT.keep_alive + rendered(
        ANTHROPIC_MESSAGES_DIALECT, [StreamStarted(id="a", model="m", created=0), TextDelta(text="x")]
    )
    with anthropic_client(body, stream=True).messages.stream(model="m", messages=ASK, max_tokens=5) as reader:
        assert reader.get_final_text() == "x"


def test_legacy_completions_always_have_text() -> None:
    events: list[Event] = [
        StreamStarted(id="a", model="m", created=1),
        TextDelta(text="x"),
        TextDelta(text="y"),
        ChoiceFinished(reason="length"),
    ]
    client = openai_client(rendered(OPENAI_COMPLETIONS_DIALECT, events), stream=True)
    chunks = list(client.completions.create(model="m", prompt="p", stream=True))
    texts = [choice.text for chunk in chunks for choice in chunk.choices]
    assert texts == ["x", "y", ""]
    assert chunks[-1].usage is not None
    completion = Completion(id="a", model="m", created=1, choices=(_choice("xy"),), usage=USAGE)
    body = OPENAI_COMPLETIONS_DIALECT.render_completion(completion, call=CALL, gateway_usage={})
    answer = openai_client(body).completions.create(model="m", prompt="p")
    assert (answer.choices[0].text, answer.object) == ("xy", "text_completion")


def _choice(text: str) -> Any:
    from gatewayz.sdk.chat import Choice

    return Choice(parts=(Reasoning(text="hidden"), Text(text=text), ToolUse(id="1", name="f", arguments="{}")))


STAMP = {"request_id": "req_1", "timestamp": "2026-11-25T00:00:00Z"}


@pytest.mark.parametrize(
    ("error", "openai_class", "openai_code", "anthropic_class", "anthropic_type"),
    [
        (errors.InvalidRequest("m", param="n"), openai.BadRequestError, "malformed_request",
         anthropic.BadRequestError, "invalid_request_error"),
        (errors.AuthenticationFailed("m"), openai.AuthenticationError, "invalid_api_key",
         anthropic.AuthenticationError, "authentication_error"),
        (errors.PaymentRequired("m"), openai.APIStatusError, "insufficient_quota",
         anthropic.APIStatusError, "billing_error"),
        (errors.ModelNotFound("m"), openai.NotFoundError, "model_not_found",
         anthropic.NotFoundError, "not_found_error"),
        (errors.RateLimited("m"), openai.RateLimitError, "rate_limit_exceeded",
         anthropic.RateLimitError, "rate_limit_error"),
        (errors.BodyTooLarge("m"), openai.APIStatusError, "request_too_large",
         anthropic.APIStatusError, "request_too_large"),
        (errors.UpstreamOverloaded("m"), openai.InternalServerError, "provider_unavailable",
         anthropic.InternalServerError, "overloaded_error"),
        (errors.UpstreamBroken("m"), openai.InternalServerError, "provider_error",
         anthropic.InternalServerError, "api_error"),
    ],
)  # fmt: skip
def test_error_bodies_in_the_words_of_each_client(
    error: errors.GatewayzError, openai_class: Any, openai_code: str, anthropic_class: Any, anthropic_type: str
) -> None:
    client = openai_client(render_openai_error(error, **STAMP), status=error.status)
    with pytest.raises(openai_class) as caught:
        client.chat.completions.create(model="m", messages=ASK)
    assert (caught.value.code, caught.value.param) == (openai_code, error.param)
    assert caught.value.body["gateway_code"] == error.code
    assert caught.value.body["request_id"] == "req_1"
    other = anthropic_client(render_anthropic_error(error, **STAMP), status=error.status)
    with pytest.raises(anthropic_class) as raised:
        other.messages.create(model="m", messages=ASK, max_tokens=5)
    assert raised.value.body["error"]["type"] == anthropic_type
    assert raised.value.body["error"]["message"] == "m"


def test_threads_are_refused_in_the_words_that_make_clients_resend() -> None:
    body = msgspec.json.encode({"model": "m", "max_tokens": 5, "messages": ASK, "thread": {"type": "create"}})
    assert ANTHROPIC_MESSAGES_DIALECT.read_head(body).model == "m"
    with pytest.raises(errors.InvalidRequest) as refused:
        ANTHROPIC_MESSAGES_DIALECT.parse_call(body, model="m")
    client = anthropic_client(render_anthropic_error(refused.value, **STAMP), status=400)
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(model="m", messages=ASK, max_tokens=5)
    error: Any = caught.value.body
    assert error["error"]["type"] == "invalid_request_error"
    assert error["error"]["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
