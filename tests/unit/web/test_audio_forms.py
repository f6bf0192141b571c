import base64
import json
import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from gatewayz.config.sections.audio import Audio
from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest, RequestError, UnsupportedMediaType
from gatewayz.web.audio_forms import read_upload
from gatewayz.web.bodies import ClientGone
from gatewayz.web.request_head import RequestHead
from gatewayz.web.spool import BLOCK_BYTES, Spool
from tests.fakes.recordings import BOUNDARY, form, receiving, wav

MULTIPART = f"multipart/form-data; boundary={BOUNDARY}".encode()
FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
MAX_DEPTH = 8


async def read(
    body: bytes,
    *,
    content_type: bytes = MULTIPART,
    in_text: bool = False,
    settings: Audio | None = None,
    length: int | None = None,
    **receive: Any,
) -> tuple[dict[str, Any], bytes]:
    head = RequestHead(content_type=content_type, content_length=length)
    upload = await read_upload(
        receiving(body, **receive), head, settings or Audio(), in_text=in_text, max_json_depth=MAX_DEPTH
    )
    with closing(upload.recording):
        content = b"".join([piece async for piece in upload.recording.pieces()])
        return msgspec.json.decode(upload.body), content


@pytest.mark.parametrize("piece", [1, 7, 100, 65_536])
async def test_a_form_in_pieces_of_any_size(piece: int) -> None:
    sound = wav(0.02)
    fields, content = await read(
        form([("model", "m"), ("temperature", "0.5"), ("timestamp_granularities[]", "word")], sound), piece=piece
    )

    assert content == sound
    audio = fields.pop("audio")
    assert (audio["duration_ms"], audio["billed_ms"]) == (20, 6000)
    assert fields == {"model": "m", "temperature": 0.5, "timestamp_granularities": ["word"]}


async def test_a_large_file_goes_through_the_disk_and_can_be_read_again() -> None:
    sound = wav(60)
    head = RequestHead(content_type=MULTIPART)
    upload = await read_upload(receiving(form([], sound)), head, Audio(), in_text=False, max_json_depth=MAX_DEPTH)
    with closing(upload.recording):
        for _ in range(2):
            assert b"".join([piece async for piece in upload.recording.pieces()]) == sound
        assert (upload.recording.name, upload.recording.duration_ms) == ("audio.wav", 60_000)
        assert msgspec.json.decode(upload.body)["model"] == "whisper-1"


@pytest.mark.parametrize(
    ("fields", "file", "param", "code"),
    [
        ((), None, "file", "MISSING_REQUIRED_FIELD"),
        ((), b"", "file", "EMPTY_FILE"),
        ((), b"PK\x03\x04 a zip, not a sound", "file", "UNSUPPORTED_AUDIO"),
        ((("model", "a"), ("model", "b")), wav(0.01), "model", "MALFORMED_REQUEST"),
    ],
)
async def test_what_is_refused_names_the_field(
    fields: Sequence[tuple[str, str]], file: bytes | None, param: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(form(fields, file))

    assert (refused.value.param, refused.value.code) == (param, code)


async def test_another_file_is_refused() -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(form([], wav(0.01), name="picture"))

    assert refused.value.param == "picture"


async def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    settings = Audio(max_file_bytes=1000)
    with pytest.raises(BodyTooLarge):
        await read(b"", settings=settings, length=1_000_000)
    with pytest.raises(BodyTooLarge) as refused:
        await read(form([], wav(1)), settings=settings)

    assert refused.value.param == "file"


async def test_fields_and_parts_are_bounded() -> None:
    with pytest.raises(BodyTooLarge):
        await read(form([("prompt", "x" * 70_000)], wav(0.01)))
    with pytest.raises(BodyTooLarge):
        await read(form([(f"f{n}", "") for n in range(100)], wav(0.01)))


@pytest.mark.parametrize("cut", [3, 10, 60, 400])
async def test_a_form_that_is_cut_off(cut: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(form([("model", "m")], wav(0.05))[:-cut])

    assert refused.value.code == "INVALID_MULTIPART"


@pytest.mark.parametrize("body", [b"", b"no form at all", b"--gatewayz-test\r\n\r\nx", b"\r\n" * 1000])
async def test_what_is_no_form(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await read(body)


async def test_a_caller_who_leaves_while_sending() -> None:
    with pytest.raises(ClientGone):
        await read(form([], wav(1))[:5000], leaves=True, piece=1000)


@pytest.mark.parametrize("content_type", [b"", b"application/json", b"audio/wav", FORM])
async def test_a_file_comes_as_multipart_only(content_type: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        await read(form([], wav(0.01)), content_type=content_type)


async def test_a_form_without_a_boundary() -> None:
    with pytest.raises(InvalidRequest):
        await read(form([], wav(0.01)), content_type=b"multipart/form-data")


@pytest.mark.parametrize("head", ["", "data:audio/wav;base64,", "data:;base64,"])
async def test_base64_in_every_form(head: str) -> None:
    sound = wav(0.05)
    text = head + base64.b64encode(sound).decode()
    ways = [
        (form([("audio_data", text), ("prompt", "p")]), MULTIPART),
        (urlencode({"audio_data": text, "prompt": "p"}).encode(), FORM),
        (json.dumps({"audio_data": text, "prompt": "p", "language": None}).encode(), b"application/json"),
    ]
    for body, content_type in ways:
        fields, content = await read(body, content_type=content_type, in_text=True, piece=11)
        assert content == sound
        assert (fields["prompt"], "language" in fields) == ("p", False)


@pytest.mark.parametrize("text", ["%%%", "QUJD=QUJD", "QUJDR", "data:audio/wav,plain", "ÄÖÜ"])
async def test_what_is_not_base64(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(json.dumps({"audio_data": text}).encode(), content_type=b"application/json", in_text=True)

    assert refused.value.param == "audio_data"


@pytest.mark.parametrize("seconds", [3.3, 10])
async def test_base64_that_is_too_large(seconds: float) -> None:
    text = base64.b64encode(wav(seconds)).decode()
    with pytest.raises(BodyTooLarge):
        await read(in_json(audio_data=text), content_type=JSON, in_text=True, settings=Audio(max_file_bytes=100_000))


async def test_what_is_wrong_with_base64_is_said_of_its_own_name() -> None:
    body = in_json(audio_data=base64.b64encode(wav(3.3)).decode())
    for settings, code in (
        (Audio(max_file_bytes=100_000), "REQUEST_TOO_LARGE"),
        (Audio(max_duration_s=1), "AUDIO_TOO_LONG"),
    ):
        with pytest.raises(RequestError) as refused:
            await read(body, content_type=JSON, in_text=True, settings=settings)
        assert (refused.value.code, refused.value.param) == (code, "audio_data")


async def test_base64_in_a_form_of_the_largest_size_that_is_taken() -> None:
    sound = wav(0) + os.urandom(1_000_000)
    settings = Audio(max_file_bytes=len(sound))
    body = urlencode({"prompt": "p", "audio_data": base64.b64encode(sound)}).encode()
    assert len(body) > len(sound) // 3 * 4 + 50_000  # escapes make it longer

    _, content = await read(body, content_type=FORM, in_text=True, settings=settings)
    assert content == sound


async def test_sound_in_text_is_written_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = Spool.write

    async def noted(self: Spool, data: bytes) -> None:
        written.append(len(data))
        await write(self, data)

    monkeypatch.setattr(Spool, "write", noted)
    text = base64.b64encode(wav(60)).decode()
    for body, content_type in ((in_json(audio_data=text), JSON), (urlencode({"audio_data": text}).encode(), FORM)):
        written.clear()
        await read(body, content_type=content_type, in_text=True)
        assert len(written) > 5 and max(written) <= BLOCK_BYTES


def in_json(**fields: object) -> bytes:
    return json.dumps({"audio_data": base64.b64encode(wav(0.01)).decode(), **fields}).encode()


def deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (in_json(other="x" * 100_000), BodyTooLarge),
        (in_json(**{f"f{number}": 1 for number in range(100)}), BodyTooLarge),
        (in_json(**{f"f{number}": 1 for number in range(100_000)}), BodyTooLarge),
        (in_json(other=deep(MAX_DEPTH)), InvalidRequest),
        (in_json()[:-1] + b', "model": "a", "model": "b"}', InvalidRequest),
        (in_json()[:-1] + b', "model": %b, "model": "b"}' % (b"1" * 5000), InvalidRequest),
        (in_json()[:-1] + b', "audio_data": "UklGRg=="}', InvalidRequest),
        (in_json()[:-1] + b', "other": 1e999}', InvalidRequest),
        (in_json()[:-1] + b', "other": "\xff"}', InvalidRequest),
        (b'{"audio_data": "\xff"}', InvalidRequest),
        (b'{"audio_data": [1]}', InvalidRequest),
        (b'["audio_data"]', InvalidRequest),
    ],
)
async def test_json_is_held_to_the_limits_of_other_calls(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read(body, content_type=JSON, in_text=True)


async def test_json_within_the_limits_is_taken() -> None:
    fields, _ = await read(in_json(other=deep(MAX_DEPTH - 1)), content_type=JSON, in_text=True)
    assert fields["other"] == deep(MAX_DEPTH - 1)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"&".join(b"f%d=1" % number for number in range(100)), BodyTooLarge),
        (b"prompt=" + b"x" * 70_000, BodyTooLarge),
        (b"prompt=" + b"x" * 300_000, BodyTooLarge),
        (b"audio_data=UklGRg&audio%5Fdata=UklGRg", InvalidRequest),
        (b"audio_data", InvalidRequest),
        (b"prompt=\xff", InvalidRequest),
    ],
)
async def test_urlencoded_forms_are_bounded(body: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read(body, content_type=FORM, in_text=True)


async def test_a_small_file_that_holds_days() -> None:
    days = bytearray(wav(1))
    days[4:8] = days[40:44] = b"\xff\xff\xff\x7f"
    settings = Audio(max_duration_s=0.5)
    with pytest.raises(InvalidRequest) as refused:
        await read(form([], wav(1)), settings=settings)

    assert refused.value.code == "AUDIO_TOO_LONG"
    assert (await read(form([], bytes(days))))[0]["audio"]["duration_ms"] < 10_000  # its size says otherwise


async def test_the_file_is_gone_afterwards(tmp_path: Path) -> None:
    settings = Audio(spool_dir=str(tmp_path))
    await read(form([], wav(1)), settings=settings)
    with pytest.raises(ClientGone):
        await read(form([], wav(1))[:9000], settings=settings, leaves=True)

    assert os.listdir(tmp_path) == []
