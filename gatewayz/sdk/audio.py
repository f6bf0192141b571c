"""Core values of speech: sound to text, and text to sound."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal, Protocol

import msgspec

from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = [
    "Granularity",
    "Recording",
    "Segment",
    "SpeechCall",
    "SpokenAudio",
    "Transcription",
    "TranscriptionCall",
    "Word",
]

Granularity = Literal["word", "segment"]


class Recording(Protocol):
    """An uploaded sound file: not in memory, and read from its beginning at each attempt."""

    @property
    def name(self) -> str:
        """A file name whose ending tells the kind of sound (`speech.wav`)."""
        ...

    @property
    def media_type(self) -> str:
        """Such as `audio/wav`."""
        ...

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    @property
    def duration_ms(self) -> int:
        """How long it lasts, as its head says or as its size lets one suppose."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """Read it once more."""
        ...


class TranscriptionCall(msgspec.Struct, frozen=True, kw_only=True):
    """A recording to be written down."""

    model: str
    recording: Recording
    language: str | None = None
    """ISO 639-1."""
    prompt: str | None = None
    temperature: float | None = None
    granularities: tuple[Granularity, ...] = ()
    """Of the times wanted; empty wants none."""
    extra: Mapping[str, Any] | None = None
    """Members of the call that the core does not know, for the provider as they are."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of speech; times in seconds from the beginning."""

    start: float
    end: float
    text: str
    extra: Mapping[str, Any] | None = None
    """Further members as the provider wrote them (`tokens`, `avg_logprob`)."""


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One word; times in seconds from the beginning."""

    word: str
    start: float
    end: float


class Transcription(msgspec.Struct, frozen=True, kw_only=True):
    """What was said. `usage` is NO_USAGE where the provider counts nothing."""

    text: str
    language: str | None = None
    duration_ms: int | None = None
    """How long the sound lasts, as the provider counts it."""
    segments: tuple[Segment, ...] | None = None
    words: tuple[Word, ...] | None = None
    usage: Usage = NO_USAGE


class SpeechCall(msgspec.Struct, frozen=True, kw_only=True):
    """A text to be said aloud."""

    model: str
    input: str
    voice: str | Mapping[str, Any]
    response_format: str = "mp3"
    speed: float | None = None
    instructions: str | None = None
    extra: Mapping[str, Any] | None = None
    """Members of the call that the core does not know, for the provider as they are."""


class SpokenAudio(Protocol):
    """Sound whose head has arrived; the rest is read at the reader's pace."""

    @property
    def media_type(self) -> str:
        """Such as `audio/mpeg`."""
        ...

    async def read(self) -> bytes:
        """Return what has arrived (at least one byte), `b""` at the end. Raises UpstreamError."""
        ...

    def close(self) -> None:
        """Let go; cuts what is not read yet. Idempotent."""
        ...
