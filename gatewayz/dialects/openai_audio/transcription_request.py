"""Calls for transcriptions: the fields of the form as JSON, with what the gateway knows of the sound under `audio`.

Source: OpenAI API reference, "Create transcription" (2026-11); spec 08 §2.
"""

import re
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.dialects.caller import CallHead
from gatewayz.dialects.request_decoding import RequestReader, RequestRules, check_model, invalid, take_extensions
from gatewayz.sdk.audio import Granularity, Recording, TranscriptionCall
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_TRANSCRIPTIONS, Format

__all__ = ["OPENAI_TRANSCRIPTIONS_DIALECT", "TranscriptionFormat", "form_fields"]

TranscriptionFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]

MAX_PROMPT_CHARACTERS: Final = 10_000
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")
_FORMATS: Final = ("json", "text", "srt", "verbose_json", "vtt")
_GRANULARITIES: Final = ("word", "segment")


class _Audio(msgspec.Struct):
    """Said by the gateway itself, which has measured the sound."""

    sha256: str
    duration_ms: int
    billed_ms: int


class _Body(msgspec.Struct):
    model: Annotated[str, Meta(min_length=1)]
    audio: _Audio
    language: str | None = None
    prompt: Annotated[str, Meta(max_length=MAX_PROMPT_CHARACTERS)] | None = None
    response_format: TranscriptionFormat = "json"
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    timestamp_granularities: list[Granularity] | None = None
    stream: bool | None = None
    provider: str | None = None


_READER: Final = RequestReader(
    _Body,
    RequestRules(
        bounds={"temperature": (0, 1)},
        allowed={"response_format": _FORMATS, "timestamp_granularities": _GRANULARITIES},
    ),
    frozenset(_Body.__struct_fields__),
)
_KNOWN: Final = frozenset(_Body.__struct_fields__) | {"content_type"}


class OpenAiTranscriptions:
    """The format for callers."""

    format: Format = OPENAI_TRANSCRIPTIONS

    def read_head(self, body: bytes) -> CallHead:
        """Check types and ranges and return what the gateway needs. Raises InvalidRequest with `param`."""
        read, fields = _read(body)
        extensions = take_extensions(fields)
        return CallHead(
            model=read.model,
            fields=fields,
            provider=read.provider,
            extensions=extensions,
            prompt_characters=len(read.prompt or ""),
            media=Usage(audio_ms=read.audio.billed_ms),
        )

    def parse_call(self, body: bytes, *, model: str, recording: Recording) -> TranscriptionCall:
        """Return the call in core values. Raises as `read_head`."""
        read, fields = _read(body)
        take_extensions(fields)
        extra = {name: msgspec.json.decode(value) for name, value in fields.items() if name not in _KNOWN}
        return TranscriptionCall(
            model=model,
            recording=recording,
            language=read.language,
            prompt=read.prompt,
            temperature=read.temperature,
            granularities=_granularities(read),
            extra=extra or None,
        )

    def response_format(self, body: bytes) -> TranscriptionFormat:
        """Return how the caller of a checked request wants the text."""
        return _read(body)[0].response_format


OPENAI_TRANSCRIPTIONS_DIALECT: Final = OpenAiTranscriptions()


def form_fields(call: TranscriptionCall) -> list[tuple[str, str]]:
    """Return the fields of the form for an upstream, without the file.

    JSON is asked for whatever the caller wants: only it tells how long the sound is, and every text can be made of it.
    """
    fields = [("model", call.model), ("response_format", "verbose_json" if call.granularities else "json")]
    if call.language is not None:
        fields.append(("language", call.language))
    if call.prompt is not None:
        fields.append(("prompt", call.prompt))
    if call.temperature is not None:
        fields.append(("temperature", f"{call.temperature:g}"))
    fields.extend(("timestamp_granularities[]", each) for each in call.granularities)
    for name, value in (call.extra or {}).items():
        if isinstance(value, list):
            fields.extend((f"{name}[]", _as_text(each)) for each in value)
        else:
            fields.append((name, _as_text(value)))
    return fields


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _granularities(read: _Body) -> tuple[Granularity, ...]:
    """Return which times are needed: subtitles are made of segments."""
    if read.response_format in ("srt", "vtt"):
        return ("segment",)
    if read.response_format != "verbose_json":
        return ()
    return tuple(dict.fromkeys(read.timestamp_granularities or ("segment",)))


def _read(body: bytes) -> tuple[_Body, dict[str, msgspec.Raw]]:
    read, fields = _READER.read(body)
    check_model(read.model)
    if read.language is not None and _LANGUAGE.fullmatch(read.language) is None:
        raise invalid("language must be an ISO 639-1 code such as 'en'", "language")
    if read.timestamp_granularities and read.response_format != "verbose_json":
        raise invalid("timestamp_granularities needs response_format 'verbose_json'", "timestamp_granularities")
    if read.stream:
        raise invalid("a transcription is answered when it is done, not streamed", "stream", "UNSUPPORTED_PARAMETER")
    return read, fields
