"""OpenAI's formats of sound: recordings to text, and text to speech."""

from gatewayz.dialects.openai_audio.speech import OPENAI_SPEECH_DIALECT, SPEECH_MEDIA_TYPES
from gatewayz.dialects.openai_audio.transcription_reply import parse_transcription
from gatewayz.dialects.openai_audio.transcription_request import OPENAI_TRANSCRIPTIONS_DIALECT, form_fields
from gatewayz.dialects.openai_audio.transcription_texts import TRANSCRIPTION_MEDIA_TYPES, render_transcription

__all__ = [
    "OPENAI_SPEECH_DIALECT",
    "OPENAI_TRANSCRIPTIONS_DIALECT",
    "SPEECH_MEDIA_TYPES",
    "TRANSCRIPTION_MEDIA_TYPES",
    "form_fields",
    "parse_transcription",
    "render_transcription",
]
