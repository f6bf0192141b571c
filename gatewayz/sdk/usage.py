"""What a call used, normalised: the one record that metering, prices and reports read.

The parts are disjoint and sum to the provider's own totals, whichever way the provider counts
(OpenAI counts cached tokens inside `prompt_tokens`, Anthropic outside of `input_tokens`).
Source: shared decision "Money"; docs/decisions/0003-money-is-nano-dollars.md.
"""

from typing import Any, Final, Literal

import msgspec

__all__ = ["NO_USAGE", "Usage", "UsageSource"]

UsageSource = Literal["provider", "estimated"]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one call by the rate they are priced at; every field is a count >= 0."""

    input_tokens: int = 0
    """Uncached text (and image) tokens read."""
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    output_tokens: int = 0
    """Visible text and tool-call tokens written."""
    reasoning_tokens: int = 0
    audio_output_tokens: int = 0
    images: int = 0
    """Pictures made; what one costs may depend on the two that follow."""
    image_size: str = ""
    """`WIDTHxHEIGHT`, `auto`, or empty where nobody said."""
    image_quality: str = ""
    audio_ms: int = 0
    """Milliseconds of sound heard or made."""
    characters: int = 0
    """Of text read aloud."""
    source: UsageSource = "provider"
    raw: dict[str, Any] | None = None
    """The provider's own numbers, kept for the receipt."""

    @property
    def prompt_tokens(self) -> int:
        """All tokens read, cached or not: OpenAI's `prompt_tokens`."""
        return (
            self.input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.audio_input_tokens
        )

    @property
    def completion_tokens(self) -> int:
        """All tokens written, reasoning included: OpenAI's `completion_tokens`."""
        return self.output_tokens + self.reasoning_tokens + self.audio_output_tokens

    @property
    def is_plain(self) -> bool:
        """True when only plain input and output tokens were counted."""
        return not (
            self.cache_read_tokens
            or self.cache_write_5m_tokens
            or self.cache_write_1h_tokens
            or self.audio_input_tokens
            or self.reasoning_tokens
            or self.audio_output_tokens
            or self.has_media
        )

    @property
    def has_media(self) -> bool:
        """True when pictures, sound or read-out text were counted."""
        return bool(self.images or self.audio_ms or self.characters)

    @property
    def total_tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens


NO_USAGE: Final = Usage()
