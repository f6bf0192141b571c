"""Only answers that say they are complete are given again."""

import pytest

from gatewayz.dialects.completeness import ended_well
from gatewayz.sdk.wire import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    OPENAI_RESPONSES,
    Format,
)


def chat(*reasons: str) -> bytes:
    return (
        b'{"choices":['
        + b",".join(b'{"index":%d,"finish_reason":%s}' % (n, r.encode()) for n, r in enumerate(reasons))
        + b"]}"
    )


def chunks(*events: bytes) -> bytes:
    return b"".join(b": quiet\n\ndata: " + event + b"\n\n" for event in events)


def stopped(reason: str) -> bytes:
    return b'{"type":"message_delta","delta":{"stop_reason":"%s"}}' % reason.encode()


def response(kind: str, status: str) -> bytes:
    return b'{"type":"response.%s","response":{"status":"%s"}}' % (kind.encode(), status.encode())


START = b'{"type":"message_start","message":{"stop_reason":null}}'
DELTA = b'{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}'


@pytest.mark.parametrize(
    ("format", "body", "good"),
    [
        (OPENAI_CHAT, chat('"stop"'), True),
        (OPENAI_CHAT, chat('"stop"', '"tool_calls"'), True),
        (OPENAI_CHAT, chat('"stop"', '"length"'), False),
        (OPENAI_CHAT, chat('"content_filter"'), False),
        (OPENAI_CHAT, chat("null"), False),
        (OPENAI_CHAT, b'{"choices":[]}', False),
        (OPENAI_CHAT, b"{", False),
        (OPENAI_COMPLETIONS, chat('"stop"'), True),
        (ANTHROPIC_MESSAGES, b'{"type":"message","stop_reason":"end_turn"}', True),
        (ANTHROPIC_MESSAGES, b'{"type":"message","stop_reason":"tool_use"}', True),
        (ANTHROPIC_MESSAGES, b'{"type":"message","stop_reason":"max_tokens"}', False),
        (ANTHROPIC_MESSAGES, b'{"type":"message","stop_reason":"pause_turn"}', False),
        (OPENAI_RESPONSES, b'{"status":"completed","error":null}', True),
        (OPENAI_RESPONSES, b'{"status":"incomplete"}', False),
        (OPENAI_RESPONSES, b'{"status":"queued"}', False),
        (OPENAI_EMBEDDINGS, b'{"data":[{"embedding":[1]}]}', True),
        (OPENAI_EMBEDDINGS, b'{"data":[]}', False),
    ],
)
def test_whole_answers(format: Format, body: bytes, good: bool) -> None:
    assert ended_well(format, body, stream=False) is good


@pytest.mark.parametrize(
    ("format", "body", "good"),
    [
        (OPENAI_CHAT, chunks(DELTA, chat('"stop"'), b'{"choices":[]}', b"[DONE]"), True),
        (OPENAI_CHAT, chunks(DELTA, chat('"length"'), b"[DONE]"), False),
        (OPENAI_CHAT, chunks(DELTA, b"[DONE]"), False),
        (
            ANTHROPIC_MESSAGES,
            chunks(
                b'{"type":"message_start","message":{"stop_reason":null}}',
                b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}',
                b'{"type":"message_stop"}',
            ),
            True,
        ),
        (ANTHROPIC_MESSAGES, chunks(b'{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}'), False),
        (ANTHROPIC_MESSAGES, chunks(START, stopped("end_turn"), b'{"type":"message_stop"}'), True),
        (ANTHROPIC_MESSAGES, chunks(START, stopped("max_tokens")), False),
        (ANTHROPIC_MESSAGES, chunks(START, stopped("end_turn"), b'{"type":"error"}'), False),
        (OPENAI_RESPONSES, chunks(response("created", "in_progress"), response("completed", "completed")), True),
        (OPENAI_RESPONSES, chunks(response("created", "in_progress"), response("incomplete", "incomplete")), False),
    ],
)
def test_streams(format: Format, body: bytes, good: bool) -> None:
    assert ended_well(format, body, stream=True) is good
