"""What the description of every endpoint says of sound. Source: openapis.org/3.1.0; spec 08 §2."""

from typing import Any, Final

from gatewayz.dialects.openai_audio import SPEECH_MEDIA_TYPES
from gatewayz.sdk.wire import OPENAI_SPEECH, OPENAI_TRANSCRIPTIONS, Format

__all__ = ["AUDIO_OPERATIONS", "audio_operation"]

_TEXT: Final = {"type": "string"}
_OPTIONS: Final[dict[str, Any]] = {
    "model": {"type": "string", "default": "whisper-1"},
    "language": {"type": "string", "description": "ISO 639-1."},
    "prompt": _TEXT,
    "response_format": {"type": "string", "enum": ["json", "text", "srt", "verbose_json", "vtt"], "default": "json"},
    "temperature": {"type": "number", "minimum": 0, "maximum": 1},
}
_IN_TEXT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["audio_data"],
    "properties": {
        "audio_data": {"type": "string", "description": "Base64, or a data URL."},
        "content_type": _TEXT,
        **_OPTIONS,
    },
}
_FILE: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "contentMediaType": "audio/*"},
        **_OPTIONS,
        "timestamp_granularities[]": {"type": "array", "items": {"type": "string", "enum": ["word", "segment"]}},
    },
}
_SPEECH: Final = {
    "type": "object",
    "required": ["model", "input", "voice"],
    "properties": {
        "model": _TEXT,
        "input": {"type": "string", "minLength": 1, "maxLength": 4096},
        "voice": {},
        "response_format": {"type": "string", "enum": list(SPEECH_MEDIA_TYPES), "default": "mp3"},
        "speed": {"type": "number", "minimum": 0.25, "maximum": 4},
        "instructions": _TEXT,
    },
    "additionalProperties": True,
}
_HEARD: Final[dict[str, Any]] = {
    "application/json": {"schema": {"type": "object", "required": ["text"], "properties": {"text": _TEXT}}},
    "text/plain": {"schema": _TEXT},
    "application/x-subrip": {"schema": _TEXT},
    "text/vtt": {"schema": _TEXT},
}

AUDIO_OPERATIONS: Final = frozenset({OPENAI_TRANSCRIPTIONS, OPENAI_SPEECH})


def audio_operation(path: str, format: Format) -> dict[str, Any]:
    """Return summary, body and answer of one of `AUDIO_OPERATIONS`."""
    if format == OPENAI_SPEECH:
        bodies: list[tuple[str, Any]] = [("application/json", _SPEECH)]
        answer: dict[str, Any] = {media_type: {"schema": {}} for media_type in SPEECH_MEDIA_TYPES.values()}
        summary = "Say a text aloud: the answer is the sound, as it is made."
    elif path.endswith("/base64"):
        kinds = ("multipart/form-data", "application/x-www-form-urlencoded", "application/json")
        bodies = [(kind, _IN_TEXT) for kind in kinds]
        answer, summary = _HEARD, "Write down a recording that comes as base64."
    else:
        bodies = [("multipart/form-data", _FILE)]
        answer, summary = _HEARD, "Write down a recording."
    return {
        "summary": summary,
        "description": f"In OpenAI's format ({format}).",
        "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in bodies}},
        "answer": {"description": "What was said, or the sound.", "content": answer},
    }
