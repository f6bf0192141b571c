"""Same-format relaying: bytes survive, the gateway's own fields change, any chunking gives the same stream."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.passthrough.anthropic_messages import ANTHROPIC_MESSAGES_PASSTHROUGH
from gatewayz.dialects.passthrough.contract import EventBlocks
from gatewayz.dialects.passthrough.openai_chat import OPENAI_CHAT_PASSTHROUGH
from gatewayz.dialects.passthrough.openai_embeddings import OPENAI_EMBEDDINGS_PASSTHROUGH
from gatewayz.dialects.passthrough.openai_responses import OPENAI_RESPONSES_PASSTHROUGH
from gatewayz.sdk.errors import UpstreamBroken, UpstreamError, UpstreamOverloaded, UpstreamRateLimited
from gatewayz.sdk.usage import NO_USAGE

SPENT = {"provider": "mock", "cost_usd": 0.5}


def raw(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def chunk(delta: str, finish: str = "null", extra: str = "") -> bytes:
    return (
        f'data: {{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up-1",'
        f'"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{extra}}}\n\n'
    ).encode()


ROLE = chunk('{"role":"assistant","content":""}', extra=',"usage":null')
USAGE = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"up-1","choices":[],'
    b'"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}\n\n'
)
DONE = b"data: [DONE]\n\n"
CHAT = (
    ROLE
    + chunk('{"content":"Hél"}', extra=',"usage":null')
    + b": comment\n\n"
    + chunk('{"content":"lo \\"model\\":\\"up-1\\""}', extra=',"usage":null')
    + chunk("{}", '"stop"', ',"usage":null')
    + USAGE
    + DONE
)


def relay(passthrough, stream: bytes, cuts=(), *, include_usage: bool = False):
    """Return what the caller sees, and the editor."""
    editor = passthrough.stream_editor(model="vendor/name", include_usage=include_usage, max_event_bytes=1 << 20)
    edges = [0, *sorted(cuts), len(stream)]
    out = b""
    for start, end in pairwise(edges):
        if start < end and not editor.terminated:
            out += editor.feed(stream[start:end])
    if not editor.terminated:
        out += editor.end()
    return out + editor.finish(editor.usage or NO_USAGE, SPENT), editor


def events(stream: bytes) -> list[dict]:
    datas = [e[len(b"data: ") :] for e in stream.split(b"\n\n") if e.startswith(b"data: ")]
    return [msgspec.json.decode(d) for d in datas if d != b"[DONE]"]


def test_chat_request_keeps_every_member_and_asks_for_usage() -> None:
    fields = {"model": raw('"x"'), "weird": raw('{"n": 1.10}'), "stream_options": raw('{"other":1}')}
    edited = OPENAI_CHAT_PASSTHROUGH.edit_request(fields, stream=True)
    assert bytes(edited["weird"]) == b'{"n": 1.10}'
    assert msgspec.json.decode(edited["stream_options"]) == {"other": 1, "include_usage": True}
    assert OPENAI_CHAT_PASSTHROUGH.edit_request(fields, stream=False) is fields


def test_chat_whole_answer_keeps_the_providers_bytes() -> None:
    body = (
        b'{"id":"c","model":"up-1","choices":[{"x":1.50}],"usage":{"prompt_tokens":3,"completion_tokens":4},"odd":1e2}'
    )
    reply = OPENAI_CHAT_PASSTHROUGH.read_whole(body)
    assert reply.usage is not None and reply.usage.total_tokens == 7
    out = OPENAI_CHAT_PASSTHROUGH.render_whole(reply, request={}, model="vendor/name", gateway_usage=SPENT)
    assert b'"choices":[{"x":1.50}]' in out and b'"odd":1e2' in out
    decoded = msgspec.json.decode(out)
    assert decoded["model"] == "vendor/name" and decoded["gateway_usage"] == SPENT


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"a":', b'{"a":1}', b"\xff\xfe"])
def test_whole_answers_that_are_not_of_the_format_are_broken(body: bytes) -> None:
    for passthrough in (OPENAI_CHAT_PASSTHROUGH, ANTHROPIC_MESSAGES_PASSTHROUGH, OPENAI_RESPONSES_PASSTHROUGH):
        with pytest.raises(UpstreamBroken):
            passthrough.read_whole(body)


def test_an_error_body_in_a_200_is_the_error_it_names() -> None:
    with pytest.raises(UpstreamRateLimited):
        OPENAI_CHAT_PASSTHROUGH.read_whole(b'{"error":{"message":"slow down","type":"rate_limit_error"}}')


def test_chat_stream_hides_usage_from_who_did_not_ask() -> None:
    out, editor = relay(OPENAI_CHAT_PASSTHROUGH, CHAT)
    seen = events(out)
    assert out.endswith(DONE)
    assert editor.usage.total_tokens == 7
    assert [e["choices"][0]["delta"].get("content") for e in seen] == ["", "Hél", 'lo "model":"up-1"', None]
    assert {e["model"] for e in seen} == {"vendor/name"} and {e["id"] for e in seen} == {"c1"}
    assert not any("usage" in e for e in seen)
    assert seen[-1]["choices"][0]["finish_reason"] == "stop" and seen[-1]["gateway_usage"] == SPENT
    assert editor.delivered.text() == 'Héllo "model":"up-1"'


def test_chat_stream_gives_usage_last_to_who_asked() -> None:
    out, _ = relay(OPENAI_CHAT_PASSTHROUGH, CHAT, include_usage=True)
    seen = events(out)
    assert seen[-1]["choices"] == [] and seen[-1]["usage"]["total_tokens"] == 7
    assert seen[-1]["gateway_usage"] == SPENT
    assert [e["choices"][0]["finish_reason"] for e in seen[:-1]] == [None, None, None, "stop"]


@given(st.sets(st.integers(1, len(CHAT) - 1)))
def test_chat_stream_is_the_same_however_it_is_cut(cuts: set[int]) -> None:
    whole, _ = relay(OPENAI_CHAT_PASSTHROUGH, CHAT)
    cut, editor = relay(OPENAI_CHAT_PASSTHROUGH, CHAT, cuts)
    assert events(cut) == events(whole)
    assert editor.delivered.text() == 'Héllo "model":"up-1"'


@given(st.sets(st.integers(1, len(CHAT) - 1)))
def test_chat_stream_with_crlf_is_the_same(cuts: set[int]) -> None:
    whole, _ = relay(OPENAI_CHAT_PASSTHROUGH, CHAT)
    assert events(relay(OPENAI_CHAT_PASSTHROUGH, CHAT.replace(b"\n", b"\r\n"), cuts)[0]) == events(whole)


def test_start_up_events_are_held_back_until_content() -> None:
    editor = OPENAI_CHAT_PASSTHROUGH.stream_editor(model="m", include_usage=False, max_event_bytes=1 << 20)
    assert editor.feed(ROLE) == b"" and not editor.started
    out = editor.feed(chunk('{"content":"x"}'))
    assert editor.started and len(events(out)) == 2


def test_a_stream_that_stops_early_is_broken_and_never_looks_finished() -> None:
    editor = OPENAI_CHAT_PASSTHROUGH.stream_editor(model="m", include_usage=False, max_event_bytes=1 << 20)
    editor.feed(chunk('{"content":"x"}'))
    with pytest.raises(UpstreamBroken):
        editor.end()


def test_an_empty_stream_is_broken() -> None:
    for stream in (b"", DONE, ROLE + DONE):
        editor = OPENAI_CHAT_PASSTHROUGH.stream_editor(model="m", include_usage=False, max_event_bytes=1 << 20)
        editor.feed(stream)
        with pytest.raises(UpstreamBroken):
            editor.end()


def test_a_stream_without_done_but_with_a_finish_is_complete() -> None:
    out, _ = relay(OPENAI_CHAT_PASSTHROUGH, chunk('{"content":"x"}') + chunk("{}", '"length"'))
    assert events(out)[-1]["choices"][0]["finish_reason"] == "length" and out.endswith(DONE)


@pytest.mark.parametrize("at", ["start", "middle"])
def test_an_error_event_raises_what_it_says(at: str) -> None:
    editor = OPENAI_CHAT_PASSTHROUGH.stream_editor(model="m", include_usage=False, max_event_bytes=1 << 20)
    if at == "middle":
        editor.feed(chunk('{"content":"x"}'))
    with pytest.raises(UpstreamOverloaded):
        editor.feed(b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n')


def test_two_answers_finish_each_once() -> None:
    one = chunk('{"content":"a"}')
    two = one.replace(b'"index":0', b'"index":1')
    end_one, end_two = chunk("{}", '"stop"'), chunk("{}", '"stop"').replace(b'"index":0', b'"index":1')
    out, _ = relay(OPENAI_CHAT_PASSTHROUGH, one + two + end_one + end_two + USAGE + DONE)
    finished = [e["choices"][0]["index"] for e in events(out) if e["choices"][0]["finish_reason"]]
    assert finished == [0, 1]


def test_events_larger_than_the_limit_are_refused() -> None:
    blocks = EventBlocks(100)
    with pytest.raises(UpstreamBroken):
        blocks.feed(b"data: " + b"x" * 200)


def sse(kind: str, data: str) -> bytes:
    return f'event: {kind}\ndata: {{"type":"{kind}",{data}}}\n\n'.encode()


ANTHROPIC = (
    sse(
        "message_start",
        '"message":{"id":"msg_1","type":"message","role":"assistant","model":"up","content":[],'
        '"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}',
    )
    + sse("content_block_start", '"index":0,"content_block":{"type":"thinking","thinking":"","signature":""}')
    + b'event: ping\ndata: {"type": "ping"}\n\n'
    + sse("content_block_delta", '"index":0,"delta":{"type":"thinking_delta","thinking":"hm"}')
    + sse("content_block_delta", '"index":0,"delta":{"type":"signature_delta","signature":"SIG=="}')
    + sse("content_block_stop", '"index":0')
    + sse("content_block_start", '"index":1,"content_block":{"type":"text","text":""}')
    + sse("content_block_delta", '"index":1,"delta":{"type":"text_delta","text":"pong"}')
    + sse("content_block_stop", '"index":1')
    + sse("message_delta", '"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":12}')
    + sse("message_stop", '"x":1')
)


def anthropic_events(stream: bytes) -> list[dict]:
    return [msgspec.json.decode(e.split(b"data: ", 1)[1]) for e in stream.split(b"\n\n") if b"data: " in e]


@given(st.sets(st.integers(1, len(ANTHROPIC) - 1)))
def test_anthropic_stream_keeps_signatures_and_order(cuts: set[int]) -> None:
    out, editor = relay(ANTHROPIC_MESSAGES_PASSTHROUGH, ANTHROPIC, cuts)
    seen = anthropic_events(out)
    assert [e["type"] for e in seen if e["type"] != "ping"] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert seen[0]["message"]["model"] == "vendor/name"
    assert b'"signature":"SIG=="' in out
    delta = next(e for e in seen if e["type"] == "message_delta")
    assert delta["gateway_usage"] == SPENT and delta["usage"] == {"output_tokens": 12}
    assert (editor.usage.input_tokens, editor.usage.cache_read_tokens, editor.usage.completion_tokens) == (9, 4, 12)
    assert editor.delivered.text() == "hmpong"


def test_anthropic_stream_cut_before_its_end_is_broken() -> None:
    editor = ANTHROPIC_MESSAGES_PASSTHROUGH.stream_editor(model="m", include_usage=True, max_event_bytes=1 << 20)
    editor.feed(ANTHROPIC[: ANTHROPIC.index(b"event: message_delta")])
    with pytest.raises(UpstreamBroken):
        editor.end()


def test_anthropic_error_event_raises() -> None:
    editor = ANTHROPIC_MESSAGES_PASSTHROUGH.stream_editor(model="m", include_usage=True, max_event_bytes=1 << 20)
    with pytest.raises(UpstreamOverloaded):
        editor.feed(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n')


RESPONSES = (
    sse(
        "response.created", '"sequence_number":0,"response":{"id":"r1","model":"up","output":[],"status":"in_progress"}'
    )
    + sse("response.output_item.added", '"sequence_number":1,"item":{"type":"message"}')
    + sse("response.output_text.delta", '"sequence_number":2,"delta":"po"')
    + sse("response.output_text.delta", '"sequence_number":3,"delta":"ng"')
    + sse("response.output_text.done", '"sequence_number":4,"text":"pong"')
    + sse(
        "response.completed",
        '"sequence_number":5,"response":{"id":"r1","model":"up","output":[],"status":"completed",'
        '"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}',
    )
)


@given(st.sets(st.integers(1, len(RESPONSES) - 1)))
def test_responses_stream_is_relayed_whole(cuts: set[int]) -> None:
    out, editor = relay(OPENAI_RESPONSES_PASSTHROUGH, RESPONSES, cuts)
    seen = anthropic_events(out)
    assert [e["sequence_number"] for e in seen] == [0, 1, 2, 3, 4, 5]
    assert seen[0]["response"]["model"] == seen[-1]["response"]["model"] == "vendor/name"
    assert seen[-1]["response"]["gateway_usage"] == SPENT
    assert editor.usage.total_tokens == 5 and editor.delivered.text() == "pong"


@pytest.mark.parametrize(
    "event",
    [
        sse("response.failed", '"response":{"error":{"code":"rate_limit_exceeded","message":"x"}}'),
        sse("error", '"code":"rate_limit_exceeded","message":"x"'),
    ],
)
def test_responses_failures_raise_what_they_say(event: bytes) -> None:
    editor = OPENAI_RESPONSES_PASSTHROUGH.stream_editor(model="m", include_usage=True, max_event_bytes=1 << 20)
    with pytest.raises(UpstreamRateLimited):
        editor.feed(event)


@pytest.mark.parametrize(
    ("passthrough", "stream", "marker"),
    [
        (OPENAI_CHAT_PASSTHROUGH, CHAT, b'"content":"lo'),
        (ANTHROPIC_MESSAGES_PASSTHROUGH, ANTHROPIC, b'"text":"pong"'),
        (OPENAI_RESPONSES_PASSTHROUGH, RESPONSES, b'"delta":"ng"'),
    ],
)
def test_an_event_cut_short_breaks_the_stream(passthrough: Any, stream: bytes, marker: bytes) -> None:
    editor = passthrough.stream_editor(model="m", include_usage=True, max_event_bytes=1 << 20)
    before, after = stream[: stream.index(marker)], stream[stream.index(marker) :]
    editor.feed(before[: before.rindex(b"\n\n") + 2])
    assert editor.started
    rest = before[before.rindex(b"\n\n") + 2 :] + marker[:-1] + after[after.index(b"\n\n") :]
    with pytest.raises(UpstreamBroken):
        editor.feed(rest)


@pytest.mark.parametrize("relayed", [0, 3])
def test_a_responses_error_is_numbered_after_what_was_relayed(relayed: int) -> None:
    editor = OPENAI_RESPONSES_PASSTHROUGH.stream_editor(model="m", include_usage=True, max_event_bytes=1 << 20)
    for event in RESPONSES.split(b"\n\n")[: relayed + 1 if relayed else 0]:
        editor.feed(event + b"\n\n")
    [event] = anthropic_events(editor.fail(UpstreamBroken("cut")))
    assert event["type"] == "error" and event["sequence_number"] == (relayed + 1 if relayed else 0)


def test_embeddings_come_back_in_the_coding_asked_for() -> None:
    body = (
        b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,1.0]}],'
        b'"model":"up","usage":{"prompt_tokens":2,"total_tokens":2}}'
    )
    reply = OPENAI_EMBEDDINGS_PASSTHROUGH.read_whole(body)
    out = OPENAI_EMBEDDINGS_PASSTHROUGH.render_whole(
        reply, request={"encoding_format": raw('"base64"')}, model="v/m", gateway_usage=SPENT
    )
    decoded = msgspec.json.decode(out)
    assert decoded["data"][0]["embedding"] == "AAAAPwAAgD8=" and decoded["model"] == "v/m"


@given(st.binary(max_size=200), st.booleans())
def test_junk_never_raises_anything_but_upstream_errors(junk: bytes, started: bool) -> None:
    for passthrough in (OPENAI_CHAT_PASSTHROUGH, ANTHROPIC_MESSAGES_PASSTHROUGH, OPENAI_RESPONSES_PASSTHROUGH):
        editor = passthrough.stream_editor(model="m", include_usage=True, max_event_bytes=1 << 20)
        if started:
            editor.started = True
        try:
            editor.feed(b"data: " + junk + b"\n\n")
            editor.end()
        except UpstreamError:
            pass
