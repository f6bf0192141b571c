"""OpenAI chat and Anthropic messages into each other and back: nothing that matters is lost on the way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT as ANTHROPIC
from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT as OPENAI
from gatewayz.sdk.chat import Completion, Event, ModelCall
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.usage import Usage
from tests.fakes.conversations import calls, completions, cut, essence, gather, streams, told
from tests.fakes.patient_settings import PATIENT

DIALECTS: list[Any] = [OPENAI, ANTHROPIC]
places = st.lists(st.integers(0, 100_000), max_size=20)
both_ways = pytest.mark.parametrize("path", [DIALECTS, DIALECTS[::-1]], ids=["openai first", "anthropic first"])


@both_ways
@PATIENT
@given(call=calls)
def test_requests(path: list[Any], call: ModelCall) -> None:
    current = call
    for dialect in [*path, path[0]]:
        rendered = dialect.render_call(current, model="m", losses=Losses("reject"))
        assert rendered.dropped == ()
        current = dialect.parse_call(rendered.body, model="m")
        assert told(current.messages) == told(call.messages)
        assert current.tools == call.tools
        assert (current.max_tokens, current.temperature, current.stop) == (call.max_tokens, call.temperature, call.stop)
        assert current.stream == call.stream
        dialect.read_head(rendered.body)


@both_ways
@PATIENT
@given(completion=completions())
def test_whole_answers(path: list[Any], completion: Completion) -> None:
    current = completion
    call = ModelCall(model="m", messages=())
    for dialect in [*path, path[0]]:
        current = dialect.parse_completion(dialect.render_completion(current, call=call, gateway_usage={"cost_usd": 0}))
        assert essence(current.choices[0].parts) == essence(completion.choices[0].parts)
        assert current.choices[0].finish_reason == completion.choices[0].finish_reason


@both_ways
@PATIENT
@given(stream=streams(interleaved=True), first=places, second=places)
def test_streams(path: list[Any], stream: tuple[Completion, list[Event]], first: list[int], second: list[int]) -> None:
    completion, events = stream
    choice = completion.choices[0]
    for dialect, chunks in zip(path, (first, second), strict=True):
        events = relay(dialect, events, chunks)
        assert gather(events) == (essence(choice.parts), choice.finish_reason)


@both_ways
@PATIENT
@given(stream=streams(interleaved=False))
def test_a_stream_byte_by_byte(path: list[Any], stream: tuple[Completion, list[Event]]) -> None:
    completion, events = stream
    choice = completion.choices[0]
    for dialect in path:
        events = relay(dialect, events, range(20_000))
        assert gather(events) == (essence(choice.parts), choice.finish_reason)


def relay(dialect: Any, events: list[Event], chunks: Any) -> list[Event]:
    renderer = dialect.event_renderer(model="m", call=ModelCall(model="m", messages=(), include_usage=True))
    data = b"".join(map(renderer.render, events)) + renderer.finish(Usage(input_tokens=3, output_tokens=4), {})
    parser = dialect.event_parser()
    read = [
        event for chunk in cut(data, [place for place in chunks if place < len(data)]) for event in parser.feed(chunk)
    ]
    read += parser.finish()
    return read
