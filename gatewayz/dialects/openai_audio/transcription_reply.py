"""What an upstream answers to a recording. Source: OpenAI API reference, "Create transcription" (2026-11)."""

import math
from typing import Any, Final

import msgspec

from gatewayz.dialects.openai_usage import error_from_openai
from gatewayz.sdk.audio import Segment, Transcription, Word
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = ["parse_transcription"]

_MAX_SECONDS: Final = 10**6
_MAX_TOKENS: Final = 10**9
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_SEGMENT_MEMBERS: Final = frozenset({"start", "end", "text"})


class _TokenDetails(msgspec.Struct):
    audio_tokens: int = 0
    text_tokens: int = 0


class _Counts(msgspec.Struct):
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: _TokenDetails | None = None


class _Answer(msgspec.Struct):
    text: str
    language: str | None = None
    duration: float | str | None = None
    segments: list[dict[str, Any]] | None = None
    words: list[Word] | None = None
    usage: msgspec.Raw = msgspec.Raw()


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def parse_transcription(body: bytes) -> Transcription:
    """Return what was said, and how much the provider counted: seconds or tokens, or nothing.

    Raises UpstreamBroken for an answer that is not of the format, UpstreamError for an error in a 200.
    """
    try:
        answer = _ANSWER.decode(body)
        segments = None if answer.segments is None else tuple(_segment(each) for each in answer.segments)
    except _BROKEN as err:
        raise error_from_openai(body) or UpstreamBroken("the provider's answer is not a transcription") from err
    counts = _counts(answer.usage)
    duration_ms = _milliseconds(counts.seconds) or _milliseconds(answer.duration)
    return Transcription(
        text=answer.text,
        language=answer.language,
        duration_ms=duration_ms,
        segments=segments,
        words=None if answer.words is None else tuple(answer.words),
        usage=_usage(counts, duration_ms),
    )


def _segment(members: dict[str, Any]) -> Segment:
    known = {name: members.get(name) for name in _SEGMENT_MEMBERS}
    extra = {name: value for name, value in members.items() if name not in _SEGMENT_MEMBERS}
    return msgspec.convert({**known, "extra": extra or None}, type=Segment)


def _usage(counts: _Counts, duration_ms: int | None) -> Usage:
    read, written = (min(max(0, count), _MAX_TOKENS) for count in (counts.input_tokens, counts.output_tokens))
    if not read and not written and duration_ms is None:
        return NO_USAGE
    heard = 0 if counts.input_token_details is None else min(max(0, counts.input_token_details.audio_tokens), read)
    return Usage(input_tokens=read - heard, audio_input_tokens=heard, output_tokens=written, audio_ms=duration_ms or 0)


def _counts(raw: msgspec.Raw) -> _Counts:
    """Return the provider's counts; none where it has none, or in a shape that is not OpenAI's."""
    try:
        return msgspec.json.decode(raw, type=_Counts | None) or _Counts()
    except _BROKEN:
        return _Counts()


def _milliseconds(seconds: float | str | None) -> int | None:
    """Return a length as told; older servers write it as a text. None for what is none."""
    try:
        value = float(seconds or 0)
    except ValueError:
        return None
    return round(value * 1000) if math.isfinite(value) and 0 < value <= _MAX_SECONDS else None
