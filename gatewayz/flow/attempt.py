"""One try at one offer, opened in one of two lanes.

That a provider with `formats` has `exchange` is proved once, when it is built (`loader.lifecycle`).
"""

from typing import Final, cast

import msgspec

from gatewayz.dialects.passthrough.contract import Passthrough
from gatewayz.flow.audio import open_speech, open_transcription
from gatewayz.flow.edition import Edition
from gatewayz.flow.embeddings import open_embeddings
from gatewayz.flow.images import open_images
from gatewayz.flow.lanes import (
    Identity,
    OpenStream,
    TranslatedStream,
    TranslatedWhole,
    WholeAnswer,
    WireStream,
    WireWhole,
)
from gatewayz.flow.values import Inbound, ParsedCall
from gatewayz.sdk.chat import ModelCall
from gatewayz.sdk.errors import UnsupportedFeature
from gatewayz.sdk.http_provider import REPLY_LIMIT
from gatewayz.sdk.interfaces import Provider, WireProvider
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.wire import (
    OPENAI_EMBEDDINGS,
    OPENAI_IMAGES,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTIONS,
    CallContext,
    HttpReply,
    WireCall,
)

__all__ = ["open_stream", "open_whole"]

_MEDIA_FIRST_BYTE_S: Final = 180.0
"""Pictures and sound are answered when they are done, so the head of the answer may be long in coming."""


async def open_whole(
    call: ParsedCall, inbound: Inbound, offer: Offer, provider: Provider, edition: Edition
) -> WholeAnswer:
    """Return the answer of one offer. Raises UpstreamError."""
    context = _context(inbound, offer, edition, is_slow=call.head.media is not None)
    if call.format in provider.capabilities.formats:
        passthrough = edition.passthroughs[call.format]
        reply = await _exchange(call, offer, cast(WireProvider, provider), passthrough, context)
        try:
            body = await reply.read_all(REPLY_LIMIT)
        finally:
            reply.close()
        return WireWhole(passthrough, body, call, offer.model)
    if call.format == OPENAI_EMBEDDINGS:
        return await open_embeddings(call, inbound.body, offer, provider, context)
    if call.format == OPENAI_IMAGES:
        return await open_images(call, inbound.body, offer, provider, context)
    if call.format == OPENAI_TRANSCRIPTIONS:
        min_billed_ms = round(edition.settings.audio.min_billed_s * 1000)
        return await open_transcription(call, inbound, offer, provider, context, min_billed_ms=min_billed_ms)
    translated = _translate(call, inbound, offer, provider, edition)
    completion = await provider.complete(translated, context)
    return TranslatedWhole(edition.dialects[call.format], translated, completion, _identity(offer, inbound, edition))


async def open_stream(
    call: ParsedCall, inbound: Inbound, offer: Offer, provider: Provider, edition: Edition
) -> OpenStream:
    """Return the stream of one offer, its first content read. Raises UpstreamError."""
    context = _context(inbound, offer, edition, is_slow=call.head.media is not None)
    if call.format == OPENAI_SPEECH:
        return await open_speech(call, inbound.body, offer, provider, context)
    if call.format in provider.capabilities.formats:
        passthrough = edition.passthroughs[call.format]
        reply = await _exchange(call, offer, cast(WireProvider, provider), passthrough, context)
        editor = passthrough.stream_editor(
            model=offer.model,
            include_usage=call.head.include_usage,
            max_event_bytes=edition.settings.streams.max_event_bytes,
        )
        wire = WireStream(reply, editor)
        await wire.open()
        return wire
    translated = _translate(call, inbound, offer, provider, edition)
    renderer = edition.dialects[call.format].event_renderer(model=offer.model, call=translated)
    stream = TranslatedStream(provider.stream(translated, context), renderer, _identity(offer, inbound, edition))
    await stream.open()
    return stream


async def _exchange(
    call: ParsedCall, offer: Offer, provider: WireProvider, passthrough: Passthrough, context: CallContext
) -> HttpReply:
    fields = passthrough.edit_request(call.head.fields, stream=call.head.stream)
    wire_call = WireCall(format=call.format, model=offer.upstream_model, fields=fields, stream=call.head.stream)
    return await provider.exchange(wire_call, context)


def _translate(call: ParsedCall, inbound: Inbound, offer: Offer, provider: Provider, edition: Edition) -> ModelCall:
    if not provider.capabilities.chat:
        raise UnsupportedFeature(f"provider '{offer.provider}' does not answer conversations", param="model")
    return edition.dialects[call.format].parse_call(inbound.body, model=offer.upstream_model)


def _context(inbound: Inbound, offer: Offer, edition: Edition, *, is_slow: bool = False) -> CallContext:
    timeouts = edition.settings.timeouts
    if is_slow:
        timeouts = msgspec.structs.replace(timeouts, first_byte_s=max(timeouts.first_byte_s, _MEDIA_FIRST_BYTE_S))
    return CallContext(
        request_id=inbound.request_id,
        timeouts=timeouts,
        credential=offer.credential,
        headers=inbound.headers,
    )


def _identity(offer: Offer, inbound: Inbound, edition: Edition) -> Identity:
    return Identity(
        id=inbound.request_id.removeprefix("req_"),
        model=offer.model,
        created=int(edition.clock.now().timestamp()),
    )
