"""The first text of the user, in every format of conversations: what stays the same while one grows."""

from typing import Any

import msgspec
import pytest

from gatewayz.dialects.formats import READERS
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_EMBEDDINGS, OPENAI_RESPONSES, Format

CHAT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
LATER = [{"role": "assistant", "content": "Hi."}, {"role": "user", "content": "And now?"}]


def parts(type: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": type, "text": "Hello"}, {"type": type, "text": "there"}]}]


@pytest.mark.parametrize(
    ("format", "body"),
    [
        (OPENAI_CHAT, {"messages": CHAT}),
        (OPENAI_CHAT, {"messages": CHAT + LATER}),
        (OPENAI_CHAT, {"messages": parts("text") + LATER}),
        (ANTHROPIC_MESSAGES, {"max_tokens": 5, "system": "Be brief.", "messages": CHAT[1:]}),
        (ANTHROPIC_MESSAGES, {"max_tokens": 5, "messages": parts("text") + LATER}),
        (OPENAI_RESPONSES, {"input": "Hello"}),
        (OPENAI_RESPONSES, {"input": CHAT + LATER}),
        (OPENAI_RESPONSES, {"input": parts("input_text")}),
    ],
)
def test_the_opening_is_the_first_text_of_the_user(format: Format, body: dict[str, Any]) -> None:
    assert READERS[format].read_head(msgspec.json.encode({"model": "m", **body})).opening == "Hello"


@pytest.mark.parametrize(
    ("format", "body"),
    [
        (OPENAI_CHAT, {"messages": CHAT[:1]}),
        (OPENAI_CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}]}),
        (OPENAI_RESPONSES, {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}),
        (OPENAI_EMBEDDINGS, {"input": "Hello"}),
    ],
)
def test_there_may_be_none(format: Format, body: dict[str, Any]) -> None:
    assert READERS[format].read_head(msgspec.json.encode({"model": "m", **body})).opening == ""
