import io

import pytest

from gatewayz.domain.audio.sound import kind_of, measured_ms
from tests.fakes.recordings import wav


@pytest.mark.parametrize(
    ("head", "ending"),
    [
        (wav(0.1), "wav"),
        (b"fLaC\0\0\0\x22", "flac"),
        (b"OggS\0\x02", "ogg"),
        (b"\0\0\0\x20ftypM4A ", "m4a"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0", "webm"),
        (b"ID3\x04\0\0", "mp3"),
        (b"\xff\xfb\x90\x64", "mp3"),
        (b"\xff\xf3\x40\xc0", "mp3"),
    ],
)
def test_the_kind_is_told_by_the_first_bytes(head: bytes, ending: str) -> None:
    kind = kind_of(head[:16])

    assert kind is not None
    assert kind.ending == ending


@pytest.mark.parametrize(
    "head",
    [b"", b"R", b"RIFF\0\0\0\0AVI ", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"<html>", b"\xff\xff\xff\xff", b"\xff\xe0\0\0"],
)
def test_what_is_no_sound(head: bytes) -> None:
    assert kind_of(head) is None


@pytest.mark.parametrize("seconds", [0.1, 1, 12.34])
def test_a_head_tells_the_length(seconds: float) -> None:
    sound = wav(seconds)
    kind = kind_of(sound[:16])
    assert kind is not None

    assert measured_ms(io.BytesIO(sound), kind, len(sound)) == round(seconds * 1000)


def test_a_head_cannot_make_a_file_shorter_than_its_size_allows() -> None:
    sound = bytearray(wav(100, 48_000))
    sound[24:32] = (768_000_000).to_bytes(4, "little") + (1_536_000_000).to_bytes(4, "little")
    kind = kind_of(bytes(sound[:16]))
    assert kind is not None

    assert measured_ms(io.BytesIO(bytes(sound)), kind, len(sound)) >= len(sound) * 1000 // 1_536_000


@pytest.mark.parametrize("head", [b"fLaC", b"OggS", b"\0\0\0\x20ftypM4A ", b"\x1a\x45\xdf\xa3", b"ID3\x04\0\0"])
@pytest.mark.parametrize("rest", [b"", b"\0" * 5000, b"\xff" * 5000, bytes(range(256)) * 20])
def test_a_head_that_makes_no_sense_leaves_the_size(head: bytes, rest: bytes) -> None:
    kind = kind_of(head)
    assert kind is not None
    content = head + rest

    assert 1 <= measured_ms(io.BytesIO(content), kind, len(content)) <= 10_000
