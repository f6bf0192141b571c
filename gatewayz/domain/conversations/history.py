"""How much of a conversation goes in front of a new call."""

from collections.abc import Sequence
from typing import Final

from gatewayz.domain.usage.tokens import estimate_tokens
from gatewayz.store.conversation_records import ChatMessage

__all__ = ["fitting_history"]

_FRAME_TOKENS: Final = 4
"""What a message takes beside its text. Source: OpenAI's cookbook, "How to count tokens", read 2026-11-25."""


def fitting_history(messages: Sequence[ChatMessage], room_tokens: int) -> list[ChatMessage]:
    """Return the newest messages that fit, by estimate, oldest first; system messages are kept before others.

    What is left begins with a user's message: an answer is not sent without its question.
    """
    system = [message for message in messages if message.role == "system"]
    room = room_tokens - sum(map(_tokens, system))
    kept: list[ChatMessage] = []
    for message in reversed(messages):
        if message.role == "system":
            continue
        room -= _tokens(message)
        if room < 0:
            break
        kept.append(message)
    while kept and kept[-1].role == "assistant":
        kept.pop()
    return (system if room_tokens > 0 else []) + kept[::-1]


def _tokens(message: ChatMessage) -> int:
    return estimate_tokens(len(message.content)) + _FRAME_TOKENS
