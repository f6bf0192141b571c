from typing import Any

import msgspec
import pytest

from gatewayz.dialects.openai_audio import (
    OPENAI_SPEECH_DIALECT,
    OPENAI_TRANSCRIPTIONS_DIALECT,
    TRANSCRIPTION_MEDIA_TYPES,
    form_fields,
    parse_transcription,
    render_transcription,
)
from gatewayz.sdk.audio import Segment, Transcription, Word
from gatewayz.sdk.errors import InvalidRequest, UpstreamBroken, UpstreamError
from gatewayz.sdk.usage import NO_USAGE, Usage
from tests.fakes.recordings import MemoryRecording

AUDIO = {"sha256": "0" * 64, "duration_ms": 1500, "billed_ms": 6000}
HEARD = Transcription(
    text=" Good day. Bye. ",
    language="english",
    duration_ms=3_725_004,
    segments=(
        Segment(start=0, end=1.2345, text=" Good day.\n\nStill --> me.", extra={"avg_logprob": -0.5}),
        Segment(start=3661.5, end=3725.004, text=" Bye. "),
    ),
    words=(Word(word="Good", start=0, end=0.5),),
)
USAGE = Usage(audio_ms=3_725_004)


def body(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "whisper-1", "audio": AUDIO, **members})


def sent(**members: Any) -> list[tuple[str, str]]:
    recording = MemoryRecording(b"x")
    return form_fields(OPENAI_TRANSCRIPTIONS_DIALECT.parse_call(body(**members), model="up", recording=recording))


def test_what_is_held_is_the_length_that_is_billed() -> None:
    head = OPENAI_TRANSCRIPTIONS_DIALECT.read_head(body(provider="openai"))

    assert (head.model, head.provider, head.stream, head.media) == ("whisper-1", "openai", False, Usage(audio_ms=6000))


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"response_format": "xml"}, "response_format"),
        ({"temperature": 1.1}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"language": "english!"}, "language"),
        ({"model": ""}, "model"),
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities"),
        ({"timestamp_granularities": ["syllable"], "response_format": "verbose_json"}, "timestamp_granularities"),
        ({"stream": True}, "stream"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": "x" * 10_001}, "prompt"),
    ],
)
def test_a_wrong_field_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OPENAI_TRANSCRIPTIONS_DIALECT.read_head(body(**members))

    assert refused.value.param is not None
    assert refused.value.param.partition("[")[0] == param


def test_json_is_asked_for_whatever_the_caller_wants() -> None:
    for form in ("json", "text"):
        assert sent(response_format=form) == [("model", "up"), ("response_format", "json")]
    for form in ("srt", "vtt", "verbose_json"):
        assert sent(response_format=form) == [
            ("model", "up"),
            ("response_format", "verbose_json"),
            ("timestamp_granularities[]", "segment"),
        ]


def test_every_field_is_sent_and_no_other() -> None:
    fields = sent(
        language="de",
        prompt="Grüße",
        temperature=0.2,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment", "word"],
        provider="openai",
        content_type="audio/wav",
        include=["logprobs"],
        chunking_strategy="auto",
    )

    assert fields == [
        ("model", "up"),
        ("response_format", "verbose_json"),
        ("language", "de"),
        ("prompt", "Grüße"),
        ("temperature", "0.2"),
        ("timestamp_granularities[]", "word"),
        ("timestamp_granularities[]", "segment"),
        ("include[]", "logprobs"),
        ("chunking_strategy", "auto"),
    ]


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({}, NO_USAGE),
        ({"usage": None}, NO_USAGE),
        ({"usage": "none"}, NO_USAGE),
        ({"usage": {"type": "duration", "seconds": 9}}, Usage(audio_ms=9000)),
        ({"duration": 8.47}, Usage(audio_ms=8470)),
        ({"duration": "8.47"}, Usage(audio_ms=8470)),
        ({"duration": 8.47, "usage": {"type": "duration", "seconds": 9}}, Usage(audio_ms=9000)),
        ({"duration": -1}, NO_USAGE),
        ({"duration": "1e400"}, NO_USAGE),
        (
            {
                "usage": {
                    "type": "tokens",
                    "input_tokens": 14,
                    "output_tokens": 45,
                    "input_token_details": {"audio_tokens": 10, "text_tokens": 4},
                }
            },
            Usage(input_tokens=4, audio_input_tokens=10, output_tokens=45),
        ),
    ],
)
def test_what_the_provider_counted(answer: dict[str, Any], usage: Usage) -> None:
    assert parse_transcription(msgspec.json.encode({"text": "hi", **answer})).usage == usage


@pytest.mark.parametrize("answer", [b"", b"hi", b"[]", b'{"text": 5}', b'{"text": "", "segments": [{"start": "x"}]}'])
def test_an_answer_of_another_kind(answer: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        parse_transcription(answer)


def test_an_error_in_a_200() -> None:
    with pytest.raises(UpstreamError, match="no way"):
        parse_transcription(b'{"error": {"message": "no way", "type": "server_error"}}')


def test_text_and_subtitles() -> None:
    assert render_transcription(HEARD, "text", USAGE, {}) == b"Good day. Bye.\n"
    assert render_transcription(HEARD, "srt", USAGE, {}).decode() == (
        "1\n00:00:00,000 --> 00:00:01,234\nGood day.\nStill -> me.\n\n2\n01:01:01,500 --> 01:02:05,004\nBye.\n\n"
    )
    assert render_transcription(HEARD, "vtt", USAGE, {}).decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.234\nGood day.\nStill -> me.\n\n01:01:01.500 --> 01:02:05.004\nBye.\n\n"
    )
    assert set(TRANSCRIPTION_MEDIA_TYPES) == {"json", "verbose_json", "text", "srt", "vtt"}


def test_subtitles_without_segments() -> None:
    assert render_transcription(Transcription(text="hi", duration_ms=500), "srt", USAGE, {}) == (
        b"1\n00:00:00,000 --> 00:00:00,500\nhi\n\n"
    )
    assert render_transcription(Transcription(text=" "), "vtt", USAGE, {}) == b"WEBVTT\n\n"


def test_json_with_what_it_cost() -> None:
    plain = msgspec.json.decode(render_transcription(HEARD, "json", USAGE, {"cost_usd": 0.1}))
    verbose = msgspec.json.decode(render_transcription(HEARD, "verbose_json", USAGE, {"cost_usd": 0.1}))

    assert plain["usage"] == {"type": "duration", "seconds": 3725.004}
    assert (plain["text"], plain["gateway_usage"], "segments" in plain) == (HEARD.text, {"cost_usd": 0.1}, False)
    assert (verbose["task"], verbose["language"], verbose["duration"]) == ("transcribe", "english", 3725.004)
    assert verbose["segments"][0]["avg_logprob"] == -0.5
    assert verbose["segments"][1]["id"] == 1
    assert verbose["words"] == [{"word": "Good", "start": 0.0, "end": 0.5}]


def speech(**members: Any) -> bytes:
    return msgspec.json.encode({"model": "tts-1", "input": "Grüße", "voice": "alloy", **members})


def test_speech_is_held_by_its_characters() -> None:
    head = OPENAI_SPEECH_DIALECT.read_head(speech())

    assert (head.media, head.stream) == (Usage(characters=5), True)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": " "}, "input"),
        ({"input": "x" * 4097}, "input"),
        ({"voice": ""}, "voice"),
        ({"voice": None}, "voice"),
        ({"response_format": "midi"}, "response_format"),
        ({"speed": 0.2}, "speed"),
        ({"stream_format": "sse"}, "stream_format"),
    ],
)
def test_a_wrong_member_of_speech_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        OPENAI_SPEECH_DIALECT.read_head(speech(**members))

    assert refused.value.param == param


def test_speech_as_it_is_sent_on() -> None:
    call = OPENAI_SPEECH_DIALECT.parse_call(
        speech(voice={"id": "voice_1"}, speed=1.5, response_format="wav", provider="openai", exaggeration=2), model="up"
    )

    assert msgspec.json.decode(OPENAI_SPEECH_DIALECT.render_call(call, model=call.model)) == {
        "model": "up",
        "input": "Grüße",
        "voice": {"id": "voice_1"},
        "response_format": "wav",
        "speed": 1.5,
        "exaggeration": 2,
    }
