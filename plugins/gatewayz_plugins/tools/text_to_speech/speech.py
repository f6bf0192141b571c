"""Speech from text. Source: spec 08 §3; OpenAI API reference, `POST /audio/speech`."""

import base64
import io
import ipaddress
import wave
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UpstreamError
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.tools import Failure, ToolFailed, ToolOutcome, failure_of
from gatewayz.sdk.wire import HttpRequest, Timeouts, split_url

__all__ = ["SpeechArguments", "SpeechSettings", "TextToSpeech"]

AUDIO_LIMIT: Final = 20 * 1024 * 1024
_SERVICE: Final = "The speech service"
_REFUSALS: Final[dict[int, tuple[Failure, str]]] = {
    400: ("validation", "does not take this text or voice"),
    401: ("authentication", "refused the gateway's credential"),
    403: ("authentication", "refused the gateway's credential"),
    422: ("validation", "does not take this text or voice"),
    429: ("rate_limit", "asks for fewer calls"),
}


class SpeechArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said, and how."""

    text: Annotated[str, Meta(min_length=1, max_length=5000, pattern=r"\S", description="What to say.")]
    model: Annotated[
        Literal["chatterbox-turbo", "chatterbox-multilingual", "chatterbox"],
        Meta(description="chatterbox-turbo speaks English, chatterbox-multilingual 23 languages and more."),
    ] = "chatterbox-turbo"
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}$", description="Language of the text (ISO 639-1).")] = "en"
    voice_reference_url: Annotated[
        str | None, Meta(description="Public https address of a recording whose voice is used.")
    ] = None
    exaggeration: Annotated[float, Meta(ge=0, le=2, description="How lively the voice is.")] = 1.0
    cfg_weight: Annotated[float, Meta(ge=0, le=1, description="How closely the voice keeps to its pace.")] = 0.5


class SpeechSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance."""

    base_url: str = ""
    """Address of a service with `/audio/speech`, version path included; without one the tool is not available."""
    api_key: Secret | None = None
    models: Mapping[str, str] = {}
    """What the service calls the models, where it has other names."""
    timeout_s: Annotated[float, Meta(gt=0)] = 50.0

    def __post_init__(self) -> None:
        """Raise ValueError when `base_url` is no address."""
        if self.base_url:
            split_url(self.base_url)


class TextToSpeech:
    """A tool that asks over HTTP."""

    description = "Say a text aloud. Returns the sound as WAV in base64."
    arguments = SpeechArguments

    def __init__(self, settings: SpeechSettings, context: PluginContext) -> None:
        self._http = context.http
        self._settings = settings
        wait = settings.timeout_s
        self._timeouts = Timeouts(connect_s=min(5.0, wait), first_byte_s=wait, idle_s=wait, total_s=wait)

    @property
    def is_available(self) -> bool:
        """Whether there is a service."""
        return bool(self._settings.base_url)

    async def run(self, arguments: SpeechArguments) -> ToolOutcome:
        """Speak."""
        if not self.is_available:
            raise ToolFailed("No speech service is configured.", "configuration")
        if arguments.voice_reference_url is not None:
            _check_voice(arguments.voice_reference_url)
        audio = await self._ask(arguments)
        result: dict[str, Any] = {
            "audio_url": None,
            "audio_base64": base64.b64encode(audio).decode("ascii"),
            "duration": _duration_s(audio),
            "format": "wav",
            "model": arguments.model,
            "language": arguments.language,
        }
        return ToolOutcome(result=result, metadata={"characters": len(arguments.text)})

    async def _ask(self, arguments: SpeechArguments) -> bytes:
        settings = self._settings
        origin, base = split_url(settings.base_url)
        headers = [(b"content-type", b"application/json"), (b"accept", b"audio/wav")]
        if settings.api_key:
            headers.append((b"authorization", b"Bearer " + settings.api_key.reveal().encode()))
        request = HttpRequest(
            origin=origin,
            target=f"{base}/audio/speech".encode(),
            headers=tuple(headers),
            body=msgspec.json.encode(self._asked(arguments)),
            method=b"POST",
        )
        try:
            reply = await self._http.send(request, self._timeouts)
            try:
                audio = await reply.read_all(AUDIO_LIMIT)
            finally:
                reply.close()
        except UpstreamError as err:
            raise failure_of(err, _SERVICE) from err
        if reply.status != 200:
            failure, words = _REFUSALS.get(reply.status, ("api_error", f"failed with status {reply.status}"))
            raise ToolFailed(f"{_SERVICE} {words}.", failure)
        if not audio.startswith(b"RIFF"):
            raise ToolFailed(f"{_SERVICE} answered with something else than WAV.", "api_error")
        return audio

    def _asked(self, arguments: SpeechArguments) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "model": self._settings.models.get(arguments.model, arguments.model),
            "input": arguments.text,
            "voice": "default",
            "response_format": "wav",
            "language": arguments.language,
            "exaggeration": arguments.exaggeration,
            "cfg_weight": arguments.cfg_weight,
        }
        if arguments.voice_reference_url is not None:
            asked["voice_reference_url"] = arguments.voice_reference_url
        return asked


def _check_voice(url: str) -> None:
    """Refuse an address inside; the service fetches it, so a name can only be looked at. Raises ToolFailed."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    is_plain = bool(host) and parts.scheme == "https" and "@" not in parts.netloc
    if not is_plain or not _is_outside(host):
        raise ToolFailed("voice_reference_url must be a public https address.", "validation")


def _is_outside(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.rstrip(".").lower()
        last = name.rpartition(".")[2]
        return "." in name and last not in ("local", "localhost", "internal", "lan", "home") and not last.isdigit()
    return address.is_global and not address.is_multicast


def _duration_s(audio: bytes) -> float | None:
    """Return how long a sound is, None when its head does not say."""
    try:
        with wave.open(io.BytesIO(audio)) as sound:
            seconds: float = sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError):
        return None
    return round(seconds, 3)
