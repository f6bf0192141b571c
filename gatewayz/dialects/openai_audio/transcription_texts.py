"""What callers get of a transcription: JSON, plain text, or subtitles made of its segments.

Source: OpenAI API reference, "Create transcription" (2026-11); SubRip's cue format; W3C WebVTT.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_audio.transcription_request import TranscriptionFormat
from gatewayz.sdk.audio import Segment, Transcription
from gatewayz.sdk.usage import Usage

__all__ = ["TRANSCRIPTION_MEDIA_TYPES", "render_transcription"]

TRANSCRIPTION_MEDIA_TYPES: Final[Mapping[TranscriptionFormat, bytes]] = {
    "json": b"application/json",
    "verbose_json": b"application/json",
    "text": b"text/plain; charset=utf-8",
    "srt": b"application/x-subrip; charset=utf-8",
    "vtt": b"text/vtt; charset=utf-8",
}


def render_transcription(
    heard: Transcription, form: TranscriptionFormat, usage: Usage, gateway_usage: GatewayUsage
) -> bytes:
    """Return a whole answer. Only the JSON forms have room for what it cost."""
    if form == "text":
        return f"{heard.text.strip()}\n".encode()
    if form == "srt":
        cues = (
            f"{number}\n{_time(each.start, ',')} --> {_time(each.end, ',')}\n{_cue(each)}\n\n"
            for number, each in enumerate(_cues(heard), 1)
        )
        return "".join(cues).encode()
    if form == "vtt":
        cues = (f"{_time(each.start, '.')} --> {_time(each.end, '.')}\n{_cue(each)}\n\n" for each in _cues(heard))
        return f"WEBVTT\n\n{''.join(cues)}".encode()
    reply: dict[str, Any] = {"text": heard.text}
    if form == "verbose_json":
        reply |= _details(heard, usage)
    elif heard.language is not None:
        reply["language"] = heard.language
    reply["usage"] = _usage(usage)
    reply["gateway_usage"] = gateway_usage
    return msgspec.json.encode(reply)


def _details(heard: Transcription, usage: Usage) -> dict[str, Any]:
    details: dict[str, Any] = {
        "task": "transcribe",
        "language": heard.language or "",
        "duration": (usage.audio_ms if heard.duration_ms is None else heard.duration_ms) / 1000,
    }
    if heard.segments is not None:
        details["segments"] = [
            {"id": number, "seek": 0, "tokens": [], **(each.extra or {}), **_times(each), "text": each.text}
            for number, each in enumerate(heard.segments)
        ]
    if heard.words is not None:
        details["words"] = heard.words
    return details


def _times(segment: Segment) -> dict[str, float]:
    return {"start": segment.start, "end": segment.end}


def _usage(usage: Usage) -> dict[str, Any]:
    if not usage.total_tokens:
        return {"type": "duration", "seconds": usage.audio_ms / 1000}
    return {
        "type": "tokens",
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "input_token_details": {
            "audio_tokens": usage.audio_input_tokens,
            "text_tokens": usage.prompt_tokens - usage.audio_input_tokens,
        },
    }


def _cues(heard: Transcription) -> tuple[Segment, ...]:
    """Return the segments; a provider that gives none leaves one cue for the whole."""
    if heard.segments is not None:
        return heard.segments
    return (Segment(start=0.0, end=(heard.duration_ms or 0) / 1000, text=heard.text),) if heard.text.strip() else ()


def _cue(segment: Segment) -> str:
    """Return the text of a cue: an empty line would end it, and an arrow would begin another."""
    lines = (line.strip() for line in segment.text.splitlines())
    return "\n".join(line.replace("-->", "->") for line in lines if line)


def _time(seconds: float, point: str) -> str:
    milliseconds = max(0, round(seconds * 1000))
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
