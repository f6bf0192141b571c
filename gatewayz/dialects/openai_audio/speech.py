"""Calls for speech. The answer is the sound itself. Source: OpenAI API reference, "Create speech" (2026-11)."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.dialects.caller import CallHead
from gatewayz.dialects.request_decoding import (
    RequestReader,
    RequestRules,
    check_model,
    invalid,
    missing,
    take_extensions,
)
from gatewayz.sdk.audio import SpeechCall
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_SPEECH, Format

__all__ = ["MAX_INPUT_CHARACTERS", "OPENAI_SPEECH_DIALECT", "SPEECH_MEDIA_TYPES"]

MAX_INPUT_CHARACTERS: Final = 4096
SPEECH_MEDIA_TYPES: Final[Mapping[str, str]] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
"""Response format to media type, for providers that do not name it."""


class _Voice(msgspec.Struct):
    id: Annotated[str, Meta(min_length=1)]


class _Body(msgspec.Struct):
    model: Annotated[str, Meta(min_length=1)]
    input: str
    voice: Annotated[str, Meta(min_length=1)] | _Voice
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Meta(ge=0.25, le=4)] | None = None
    instructions: Annotated[str, Meta(max_length=MAX_INPUT_CHARACTERS)] | None = None
    stream_format: str | None = None
    user: str | None = None
    provider: str | None = None


_READER: Final = RequestReader(
    _Body,
    RequestRules(bounds={"speed": (0.25, 4)}, allowed={"response_format": tuple(SPEECH_MEDIA_TYPES)}),
    frozenset(_Body.__struct_fields__),
)
_KNOWN: Final = frozenset(_Body.__struct_fields__) - {"user"}


class OpenAiSpeech:
    """The format for callers and for upstreams."""

    format: Format = OPENAI_SPEECH

    def read_head(self, body: bytes) -> CallHead:
        """Check types and ranges and return what the gateway needs. Raises InvalidRequest with `param`."""
        read, fields = _read(body)
        extensions = take_extensions(fields)
        return CallHead(
            model=read.model,
            fields=fields,
            stream=True,
            provider=read.provider,
            extensions=extensions,
            prompt_characters=len(read.input),
            media=Usage(characters=len(read.input)),
            affinity=read.user,
        )

    def parse_call(self, body: bytes, *, model: str) -> SpeechCall:
        """Return the call in core values. Raises as `read_head`."""
        read, fields = _read(body)
        take_extensions(fields)
        extra = {name: msgspec.json.decode(value) for name, value in fields.items() if name not in _KNOWN}
        return SpeechCall(
            model=model,
            input=read.input,
            voice=read.voice if isinstance(read.voice, str) else {"id": read.voice.id},
            response_format=read.response_format,
            speed=read.speed,
            instructions=read.instructions,
            extra=extra or None,
        )

    def render_call(self, call: SpeechCall, *, model: str) -> bytes:
        """Return the request body for an upstream."""
        body: dict[str, Any] = {
            **(call.extra or {}),
            "model": model,
            "input": call.input,
            "voice": call.voice,
            "response_format": call.response_format,
        }
        if call.speed is not None:
            body["speed"] = call.speed
        if call.instructions is not None:
            body["instructions"] = call.instructions
        return msgspec.json.encode(body)


OPENAI_SPEECH_DIALECT: Final = OpenAiSpeech()


def _read(body: bytes) -> tuple[_Body, dict[str, msgspec.Raw]]:
    read, fields = _READER.read(body)
    check_model(read.model)
    if not read.input.strip():
        raise missing("input", "must not be empty")
    if len(read.input) > MAX_INPUT_CHARACTERS:
        raise invalid(
            f"input must have at most {MAX_INPUT_CHARACTERS} characters", "input", max_value=MAX_INPUT_CHARACTERS
        )
    if read.stream_format not in (None, "audio"):
        raise invalid("stream_format must be 'audio'", "stream_format", allowed_values=["audio"])
    return read, fields
