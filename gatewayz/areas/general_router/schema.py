"""What the general router's pages take. Source: spec 06 §2."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["Message", "TryBody"]

Word = Annotated[str, Meta(min_length=1, max_length=256)]
Prompt = Annotated[str, Meta(min_length=1, max_length=200_000)]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A turn; of a list of parts only texts are looked at."""

    role: Word
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """Its text."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(part["text"]) for part in self.content or () if isinstance(part.get("text"), str))


class TryBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /general-router/test`: a conversation, or one prompt."""

    messages: Annotated[list[Message], Meta(max_length=2000)] = []
    prompt: Prompt | None = None
    mode: Word = "balanced"
