"""Recordings to text, and text to speech."""

from collections.abc import Iterable

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_audio import (
    OPENAI_SPEECH_DIALECT,
    OPENAI_TRANSCRIPTIONS_DIALECT,
    TRANSCRIPTION_MEDIA_TYPES,
    render_transcription,
)
from gatewayz.flow.values import Inbound, ParsedCall
from gatewayz.sdk.audio import SpokenAudio, Transcription
from gatewayz.sdk.errors import GatewayzError, NoOfferLeft, UnsupportedFeature, UpstreamBroken, UpstreamError
from gatewayz.sdk.interfaces import Provider, Speaker, Transcriber
from gatewayz.sdk.money import usd_float
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_SPEECH, OPENAI_TRANSCRIPTIONS, CallContext, Format

__all__ = ["HeardText", "SpeechStream", "check_is_served", "open_speech", "open_transcription"]


def check_is_served(format: Format, providers: Iterable[Provider]) -> None:
    """Check that some provider hears, or speaks, where a call needs that. Raises NoOfferLeft. Source: spec 08 §2."""
    promises = (provider.capabilities for provider in providers)
    if format == OPENAI_TRANSCRIPTIONS and not any(promised.transcription for promised in promises):
        raise NoOfferLeft("No provider that writes recordings down is configured.")
    if format == OPENAI_SPEECH and not any(promised.speech for promised in promises):
        raise NoOfferLeft("No provider that speaks is configured.")


class HeardText:
    """A transcription, ready to be written as the caller wants it.

    :param min_billed_ms: what shorter recordings are charged as.
    """

    dropped: tuple[str, ...] = ()

    def __init__(self, heard: Transcription, inbound: Inbound, offer: Offer, min_billed_ms: int) -> None:
        self._heard = heard
        self._offer = offer
        self._form = OPENAI_TRANSCRIPTIONS_DIALECT.response_format(inbound.body)
        self.content_type = TRANSCRIPTION_MEDIA_TYPES[self._form]
        self.usage: Usage | None = _billed(heard.usage, inbound, min_billed_ms)

    def text(self) -> str:
        """What was delivered, for counting."""
        return self._heard.text

    def render(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """The text in the form asked for. Source of what is told of the cost: spec 08 §2."""
        shown = {**gateway_usage, "duration_minutes": usage.audio_ms / 60_000}
        price = self._offer.price
        if price is not None and price.second is not None:
            shown["cost_per_minute"] = usd_float(price.second * 60)
        return render_transcription(self._heard, self._form, usage, shown)


async def open_transcription(
    call: ParsedCall, inbound: Inbound, offer: Offer, provider: Provider, context: CallContext, *, min_billed_ms: int
) -> HeardText:
    """Return what one offer heard. Raises UpstreamError."""
    if not isinstance(provider, Transcriber) or not provider.capabilities.transcription:
        raise UnsupportedFeature(f"provider '{offer.provider}' does not write recordings down", param="model")
    if inbound.recording is None:
        raise TypeError("a transcription comes with a recording")
    transcription_call = OPENAI_TRANSCRIPTIONS_DIALECT.parse_call(
        inbound.body, model=offer.upstream_model, recording=inbound.recording
    )
    return HeardText(await provider.transcribe(transcription_call, context), inbound, offer, min_billed_ms)


def _billed(usage: Usage, inbound: Inbound, min_billed_ms: int) -> Usage | None:
    """Return the provider's count with the smallest unit of sound; None where it counted nothing.

    Where it counted tokens alone, the sound is as long as was measured: the offer may be priced by the second.
    """
    audio_ms = usage.audio_ms
    if not audio_ms and usage.total_tokens and inbound.recording is not None:
        audio_ms = inbound.recording.duration_ms
    return msgspec.structs.replace(usage, audio_ms=max(audio_ms, min_billed_ms)) if audio_ms else None


class SpeechStream:
    """Sound on its way, charged by the length of its text: an `OpenStream`.

    What a provider breaks off cannot be used, so it is not charged. A caller who leaves pays for the
    text: the provider was given all of it.
    """

    dropped: tuple[str, ...] = ()
    characters = 0
    """No text is delivered."""

    def __init__(self, sound: SpokenAudio, characters: int) -> None:
        self._sound = sound
        self._characters = characters
        self._first = b""
        self.content_type = sound.media_type.encode("latin-1", "replace")
        self.usage: Usage | None = None

    async def open(self) -> None:
        """Read until sound has come. Raises UpstreamError; the upstream is let go then."""
        try:
            self._first = await self._sound.read()
            if not self._first:
                raise UpstreamBroken("the provider's answer had no sound")
        except BaseException:  # cancellation too: let go, then raise again
            self._sound.close()
            raise
        self.usage = Usage(characters=self._characters)

    def text(self) -> str:
        """Nothing is written."""
        return ""

    async def next(self) -> bytes:
        """Return the next piece, `b""` at the end. Raises UpstreamError."""
        if self._first:
            first, self._first = self._first, b""
            return first
        try:
            return await self._sound.read()
        except UpstreamError:
            self.usage = None
            raise

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Sound has no room for what it cost."""
        return b""

    def fail(self, error: GatewayzError) -> bytes:
        """Sound has no room for an error either: raise it, for the connection to be cut."""
        raise error

    async def release(self) -> None:
        """Let the upstream go: it has been read to its end."""
        self._sound.close()

    async def aclose(self) -> None:
        """Let the upstream go, at once."""
        self._sound.close()


async def open_speech(
    call: ParsedCall, body: bytes, offer: Offer, provider: Provider, context: CallContext
) -> SpeechStream:
    """Return the sound of one offer, its beginning read. Raises UpstreamError."""
    if not isinstance(provider, Speaker) or not provider.capabilities.speech:
        raise UnsupportedFeature(f"provider '{offer.provider}' does not speak", param="model")
    speech_call = OPENAI_SPEECH_DIALECT.parse_call(body, model=offer.upstream_model)
    stream = SpeechStream(await provider.speak(speech_call, context), len(speech_call.input))
    await stream.open()
    return stream
