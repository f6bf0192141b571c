"""Sound on its way, and who can bring it."""

from typing import Any

import msgspec
import pytest

from gatewayz.flow.audio import HeardText, SpeechStream, check_is_served
from gatewayz.flow.values import Inbound
from gatewayz.sdk.audio import Transcription
from gatewayz.sdk.errors import NoOfferLeft, UpstreamBroken
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import Offer, Price
from gatewayz.sdk.usage import NO_USAGE, Usage
from gatewayz.sdk.wire import OPENAI_IMAGES, OPENAI_SPEECH, OPENAI_TRANSCRIPTIONS
from tests.fakes.recordings import MemoryRecording

OFFER = Offer(model="a/b", provider="p", upstream_model="b", price=Price(input=0, output=0, second=100_000))


class Promising:
    def __init__(self, **promised: bool) -> None:
        self.capabilities = Capabilities(**promised)


def test_nobody_hears_or_speaks() -> None:
    talker: Any = Promising()
    hearer: Any = Promising(transcription=True)
    speaker: Any = Promising(speech=True)
    check_is_served(OPENAI_TRANSCRIPTIONS, [talker, hearer])
    check_is_served(OPENAI_SPEECH, [talker, speaker])
    check_is_served(OPENAI_IMAGES, [])
    for format, provider in ((OPENAI_TRANSCRIPTIONS, speaker), (OPENAI_SPEECH, hearer)):
        with pytest.raises(NoOfferLeft):
            check_is_served(format, [talker, provider])


def heard(usage: Usage) -> HeardText:
    body = msgspec.json.encode({"model": "m", "audio": {"sha256": "", "duration_ms": 1500, "billed_ms": 6000}})
    inbound = Inbound(
        format=OPENAI_TRANSCRIPTIONS,
        body=body,
        request_id="r",
        started=0.0,
        recording=MemoryRecording(b"x", duration_ms=1500),
    )
    return HeardText(Transcription(text="hi", usage=usage), inbound, OFFER, 6000)


@pytest.mark.parametrize(
    ("counted", "charged"),
    [
        (NO_USAGE, None),
        (Usage(audio_ms=1000), Usage(audio_ms=6000)),
        (Usage(audio_ms=9000), Usage(audio_ms=9000)),
        (Usage(audio_input_tokens=5, output_tokens=2), Usage(audio_input_tokens=5, output_tokens=2, audio_ms=6000)),
    ],
)
def test_what_a_transcription_is_charged_by(counted: Usage, charged: Usage | None) -> None:
    assert heard(counted).usage == charged


def test_what_is_told_of_the_cost() -> None:
    answer = msgspec.json.decode(heard(NO_USAGE).render(Usage(audio_ms=90_000), {"cost_usd": 0.009}))
    assert answer["gateway_usage"] == {"cost_usd": 0.009, "duration_minutes": 1.5, "cost_per_minute": 0.006}


class Sound:
    media_type = "audio/mpeg"

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = list(pieces)
        self.is_closed = False

    async def read(self) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        self.is_closed = True


async def test_sound_that_has_begun_is_owed() -> None:
    sound = Sound(b"a", b"b")
    stream = SpeechStream(sound, 7)
    await stream.open()
    assert [await stream.next() for _ in range(3)] == [b"a", b"b", b""]
    assert stream.usage == Usage(characters=7)
    await stream.release()
    assert sound.is_closed


async def test_sound_that_breaks_off_is_not_owed_and_has_no_end() -> None:
    stream = SpeechStream(Sound(b"a", UpstreamBroken("cut")), 7)
    await stream.open()
    await stream.next()
    with pytest.raises(UpstreamBroken) as cut:
        await stream.next()
    assert stream.usage is None
    with pytest.raises(UpstreamBroken):
        stream.fail(cut.value)


@pytest.mark.parametrize("sound", [Sound(), Sound(UpstreamBroken("cut"))])
async def test_no_sound_at_all_can_still_fail_over(sound: Sound) -> None:
    with pytest.raises(UpstreamBroken):
        await SpeechStream(sound, 7).open()
    assert sound.is_closed
