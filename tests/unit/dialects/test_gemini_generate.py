"""Gemini's answers, recorded-style, whole and streamed under any chunking.

Payloads have the shapes of the vendor's reference pages.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.collecting import collect_completion
from gatewayz.dialects.gemini_generate import GEMINI_GENERATE_DIALECT, usage_from_gemini
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    Message,
    ModelCall,
    Reasoning,
    ReasoningDelta,
    StreamStarted,
    Text,
    ToolUse,
)
from gatewayz.sdk.dialect import Losses
from gatewayz.sdk.errors import (
    ContentFiltered,
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)
from gatewayz.sdk.wire import GEMINI_GENERATE
from tests.fakes.event_streams import cut

DIALECT = GEMINI_GENERATE_DIALECT
USER = Message(role="user", parts=(Text(text="x"),))
PLAIN = ModelCall(model="m", messages=(USER,))


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def sent(call: ModelCall, policy: Any = "default", model: str = "gemini-2.5-flash") -> tuple[Any, tuple[str, ...]]:
    rendered = DIALECT.render_call(call, model=model, losses=Losses(policy))
    return msgspec.json.decode(rendered.body), rendered.dropped


def changed(**fields: Any) -> ModelCall:
    return msgspec.structs.replace(PLAIN, **fields)


USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 40,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 30,
    "totalTokenCount": 150,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}, {"modality": "AUDIO", "tokenCount": 10}],
}
META = {"modelVersion": "gemini-2.5-flash", "responseId": "r1", "createTime": "2026-11-24T10:00:00.5Z"}


def chunk(*parts: Any, finish: str | None = None, index: int = 0, **extra: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": index}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **META, **extra}


CHUNKS = [
    chunk({"text": "I think", "thought": True}),
    chunk({"text": ", so.", "thought": True, "thoughtSignature": "s0"}),
    chunk({"text": "Grüße "}, usageMetadata={"promptTokenCount": 100}),
    chunk({"text": "\U0001f600"}),
    chunk(
        {"functionCall": {"name": "f", "args": {"q": "ü"}}, "thoughtSignature": "s1"},
        {"functionCall": {"id": "own", "name": "g"}},
        finish="STOP",
        usageMetadata=USAGE,
    ),
]
WHOLE = chunk(
    *(part for piece in CHUNKS for part in piece["candidates"][0]["content"]["parts"]),
    finish="STOP",
    usageMetadata=USAGE,
)


def stream_of(chunks: list[Any], end: bytes = b"\r\n\r\n") -> bytes:
    return b"".join(b"data: " + encode(piece) + end for piece in chunks)


def read_stream(pieces: Any) -> list[Event]:
    parser = DIALECT.event_parser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.finish()


def test_reads_a_whole_answer() -> None:
    answer = DIALECT.parse_completion(encode(WHOLE))
    assert (answer.id, answer.model, answer.created) == ("r1", "gemini-2.5-flash", 1795514400)
    (choice,) = answer.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.parts == (
        Reasoning(text="I think, so.", signature="s0", origin=GEMINI_GENERATE),
        Text(text="Grüße \U0001f600"),
        ToolUse(id="call_r1_0_0", name="f", arguments='{"q":"ü"}', signature="s1"),
        ToolUse(id="own", name="g", arguments="{}"),
    )
    usage = answer.usage
    assert (usage.input_tokens, usage.cache_read_tokens, usage.audio_input_tokens) == (50, 40, 10)
    assert (usage.output_tokens, usage.reasoning_tokens, usage.total_tokens) == (20, 30, 150)


@given(st.lists(st.integers(0, 5000), max_size=15), st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]))
def test_stream_and_whole_agree_under_any_chunking(places: list[int], end: bytes) -> None:
    events = read_stream(cut(stream_of(CHUNKS, end), places))
    assert collect_completion(events) == DIALECT.parse_completion(encode(WHOLE))


def test_stream_byte_by_byte() -> None:
    data = stream_of(CHUNKS)
    assert read_stream(data[i : i + 1] for i in range(len(data))) == read_stream([data])


def test_signature_on_plain_text_follows_it_and_goes_back() -> None:
    answer = DIALECT.parse_completion(encode(chunk({"text": "hi", "thoughtSignature": "s"}, finish="STOP")))
    parts = answer.choices[0].parts
    assert parts == (Text(text="hi"), Reasoning(signature="s", origin=GEMINI_GENERATE))
    body, dropped = sent(changed(messages=(USER, Message(role="assistant", parts=parts))))
    assert body["contents"][1]["parts"] == [{"text": "hi"}, {"text": "", "thoughtSignature": "s"}]
    assert dropped == ()


def test_several_candidates_and_logprobs() -> None:
    logprobs = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.5}],
        "topCandidates": [
            {"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "b", "logProbability": -2}]}
        ],
    }
    body = chunk({"text": "é"}, finish="STOP")
    body["candidates"][0]["logprobsResult"] = logprobs
    body["candidates"].append(chunk({"text": "b"}, finish="MAX_TOKENS", index=1)["candidates"][0])
    answer = DIALECT.parse_completion(encode(body))
    assert [(choice.index, choice.parts, choice.finish_reason) for choice in answer.choices] == [
        (0, (Text(text="é"),), "stop"),
        (1, (Text(text="b"),), "length"),
    ]
    top = [{"token": "é", "logprob": -0.5, "bytes": [195, 169]}, {"token": "b", "logprob": -2.0, "bytes": [98]}]
    assert answer.choices[0].logprobs == {"content": [{**top[0], "top_logprobs": top}]}


def test_pictures_are_kept() -> None:
    answer = DIALECT.parse_completion(
        encode(chunk({"inlineData": {"mimeType": "image/png", "data": "QQ=="}}, finish="STOP"))
    )
    assert answer.choices[0].parts == (Text(text="![image](data:image/png;base64,QQ==)"),)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("OTHER", "error"),
        ("NEW_IN_2027", "stop"),
    ],
)
def test_finish_reasons(reason: str, finish: str) -> None:
    assert DIALECT.parse_completion(encode(chunk({"text": "x"}, finish=reason))).choices[0].finish_reason == finish


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}, **META}, ContentFiltered),
        ({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, UpstreamRateLimited),
        ([{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}], UpstreamOverloaded),
        ({"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}, UpstreamRejected),
        ({"error": {"code": 403, "message": "key AIza", "status": "PERMISSION_DENIED"}}, UpstreamAuthFailed),
        ({"error": {"code": 500, "message": "m", "status": "INTERNAL"}}, UpstreamBroken),
        (chunk({"text": "x"}, finish="MALFORMED_FUNCTION_CALL"), UpstreamBroken),
        ({"candidates": 5}, UpstreamBroken),
        (chunk({"text": "x"}), UpstreamBroken),
        (META, UpstreamBroken),
        ([], UpstreamBroken),
        ("<html>", UpstreamBroken),
    ],
)
def test_errors_inside_an_answer_and_a_stream(body: Any, kind: type[UpstreamError]) -> None:
    with pytest.raises(UpstreamError) as caught:
        DIALECT.parse_completion(encode(body))
    assert type(caught.value) is kind
    assert "AIza" not in caught.value.message
    for piece in body if isinstance(body, list) else [body]:
        with pytest.raises(UpstreamError) as caught:
            read_stream([stream_of([piece])])
        assert type(caught.value) is kind


@pytest.mark.parametrize("count", [0, 1, 4])
def test_a_stream_cut_short_is_an_error(count: int) -> None:
    with pytest.raises(UpstreamBroken):
        read_stream([stream_of(CHUNKS[:count])])


def test_events_in_order() -> None:
    events = read_stream([stream_of(CHUNKS)])
    assert events[0] == StreamStarted(id="r1", model="gemini-2.5-flash", created=1795514400)
    assert events[2] == ReasoningDelta(text=", so.", signature="s0", origin=GEMINI_GENERATE)
    assert events[-2] == ChoiceFinished(reason="tool_calls")


HOSTILE = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.lists(st.dictionaries(st.just("tokenCount"), st.integers()), max_size=2)
)


@given(st.dictionaries(st.sampled_from([*USAGE, "toolUsePromptTokenCount"]), HOSTILE))
def test_hostile_usage_is_clamped(raw: Any) -> None:
    usage = usage_from_gemini(raw)
    assert all(
        getattr(usage, name) >= 0
        for name in ("input_tokens", "output_tokens", "audio_input_tokens", "reasoning_tokens")
    )


@given(*[st.integers(0, 1000)] * 6)
def test_usage_parts_sum_to_the_total(
    prompt: int, tools: int, cached: int, audio: int, output: int, thoughts: int
) -> None:
    usage = usage_from_gemini(
        {
            "promptTokenCount": prompt,
            "toolUsePromptTokenCount": tools,
            "cachedContentTokenCount": cached,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": audio}],
            "candidatesTokenCount": output,
            "thoughtsTokenCount": thoughts,
        }
    )
    assert usage.total_tokens == prompt + tools + output + thoughts


@given(st.binary(max_size=60))
def test_junk_is_only_ever_broken(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        DIALECT.parse_completion(body)
