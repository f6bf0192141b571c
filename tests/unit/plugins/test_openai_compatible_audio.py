"""Sound at an OpenAI-compatible upstream."""

from typing import Any

import msgspec
import pytest

from gatewayz.sdk.audio import SpeechCall, TranscriptionCall
from gatewayz.sdk.errors import UpstreamBroken, UpstreamOverloaded, UpstreamRejected
from gatewayz.sdk.testing import Answer, FakeHttpClient, decode_settings, plugin_context
from gatewayz.sdk.wire import CallContext
from gatewayz_plugins.providers.openai_compatible.provider import OpenAICompatibleProvider
from gatewayz_plugins.providers.openai_compatible.settings import OpenAICompatibleSettings
from tests.fakes.recordings import MemoryRecording

CONTEXT = CallContext(request_id="r", credential="b")
SETTINGS: dict[str, Any] = {
    "base_url": "http://127.0.0.1:9/v1",
    "api_keys": {"a": "key-a-secret", "b": "key-b-secret"},
    "formats": ["openai_transcriptions", "openai_speech"],
    "listing": None,
}
SAY = SpeechCall(model="tts", input="Hi", voice="alloy", response_format="wav")


def provider(http: FakeHttpClient, **more: Any) -> OpenAICompatibleProvider:
    settings = decode_settings(OpenAICompatibleSettings, {**SETTINGS, **more})
    return OpenAICompatibleProvider(settings, plugin_context(http))


def test_what_it_promises() -> None:
    promised = provider(FakeHttpClient(Answer())).capabilities
    assert (promised.transcription, promised.speech, promised.chat, promised.formats) == (
        True,
        True,
        False,
        frozenset(),
    )
    promised = provider(FakeHttpClient(Answer()), formats=["openai_chat"]).capabilities
    assert (promised.transcription, promised.speech) == (False, False)


async def test_a_recording_is_sent_as_a_form() -> None:
    http = FakeHttpClient(Answer(pieces=(b'{"text": "hi", "usage": {"seconds": 2}}',)))
    recording = MemoryRecording(b"RIFF-sound")
    call = TranscriptionCall(model="whisper", recording=recording, language="de", granularities=("segment",))
    heard = await provider(http, paths={"openai_transcriptions": "/hear"}).transcribe(call, CONTEXT)

    assert (heard.text, heard.usage.audio_ms) == ("hi", 2000)
    request = http.requests[0]
    headers = dict(request.headers)
    assert request.target == b"/v1/hear" and headers[b"authorization"] == b"Bearer key-b-secret"
    assert [name for name, _ in request.headers].count(b"content-type") == 1
    assert request.upload is not None
    body = b"".join([piece async for piece in request.upload.pieces()])
    assert len(body) == request.upload.size and b"RIFF-sound" in body and b'name="language"\r\n\r\nde\r\n' in body
    assert body.count(headers[b"content-type"].partition(b"boundary=")[2]) == 6


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(pieces=(b"<html>",)), UpstreamBroken),
        (Answer(pieces=(b'{"error": {"message": "key-b-secret is bad"}}',)), UpstreamBroken),
        (Answer(pieces=(b'{"error": {"message": "no such language"}}',), status=400), UpstreamRejected),
        (Answer(pieces=(b"",), status=503), UpstreamOverloaded),
    ],
)
async def test_errors_of_the_upstream(answer: Answer, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        call = TranscriptionCall(model="whisper", recording=MemoryRecording(b"x"))
        await provider(FakeHttpClient(answer)).transcribe(call, CONTEXT)
    assert "key-b" not in str(caught.value.message)
    if answer.status != 200:
        with pytest.raises(error):
            await provider(FakeHttpClient(answer)).speak(SAY, CONTEXT)


@pytest.mark.parametrize(
    ("told", "media_type"),
    [(b"audio/x-wav", "audio/x-wav"), (b"application/octet-stream", "audio/wav"), (b"", "audio/wav")],
)
async def test_speech_arrives_piece_by_piece(told: bytes, media_type: str) -> None:
    http = FakeHttpClient(Answer(pieces=(b"RIFF", b"more"), headers=((b"content-type", told),)))
    sound = await provider(http).speak(SAY, CONTEXT)

    pieces = []
    while piece := await sound.read():
        pieces.append(piece)
    sound.close()
    assert (sound.media_type, b"".join(pieces)) == (media_type, b"RIFFmore")
    assert msgspec.json.decode(http.requests[0].body) == {
        "model": "tts",
        "input": "Hi",
        "voice": "alloy",
        "response_format": "wav",
    }
