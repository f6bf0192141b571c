"""The binary framing of AWS: any chunking, every checksum, no message beyond its limits."""

import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.aws_eventstream import MAX_MESSAGE_BYTES, EventStreamReader, StreamMessage
from gatewayz.sdk.errors import UpstreamBroken
from tests.fakes.aws_events import write_message
from tests.fakes.event_streams import cut

NAME = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10)
HEADERS = st.dictionaries(NAME, st.text(max_size=10), max_size=4)
MESSAGES = st.lists(st.tuples(HEADERS, st.binary(max_size=60)), max_size=5)
ODD = (
    b"\x01a\x00" b"\x01b\x01" b"\x01c\x02\xff" b"\x01d\x03\x00\x01" b"\x01e\x04\x00\x00\x00\x01"
    b"\x01f\x05" + bytes(8) + b"\x01g\x06\x00\x02hi" b"\x01h\x08" + bytes(8) + b"\x01i\x09" + bytes(16)
)  # fmt: skip


@given(MESSAGES, st.lists(st.integers(0, 2000), max_size=12))
def test_reads_messages_under_any_chunking(messages: list[tuple[dict[str, str], bytes]], places: list[int]) -> None:
    data = b"".join(write_message(headers, payload) for headers, payload in messages)
    reader = EventStreamReader()
    read = [message for piece in cut(data, places) for message in reader.feed(piece)]
    assert read == [StreamMessage(headers, payload) for headers, payload in messages]
    assert reader.is_empty


def test_agrees_with_botocore() -> None:
    data = write_message({":event-type": "a", "é": "ü"}, b"{}", ODD) + write_message({}, b"")
    theirs = EventStreamBuffer()
    theirs.add_data(data)
    expected = [
        (
            {name: value for name, value in message.headers.items() if isinstance(value, str)},
            message.payload,
        )
        for message in theirs
    ]
    assert [tuple(message) for message in EventStreamReader().feed(data)] == expected


def test_byte_by_byte_and_a_piece_left_over() -> None:
    data = write_message({"a": "b"}, b"payload")
    reader = EventStreamReader()
    assert [m for i in range(len(data) - 1) for m in reader.feed(data[i : i + 1])] == []
    assert not reader.is_empty
    assert reader.feed(data[-1:]) == [StreamMessage({"a": "b"}, b"payload")]


GOOD = write_message({"a": "b"}, b"payload")


@pytest.mark.parametrize("position", range(len(GOOD)))
def test_any_changed_byte_is_noticed(position: int) -> None:
    data = bytearray(GOOD)
    data[position] ^= 0x40
    with pytest.raises(UpstreamBroken):
        EventStreamReader().feed(bytes(data))


@pytest.mark.parametrize(
    ("total", "headers"), [(15, 0), (0, 0), (20, 5), (MAX_MESSAGE_BYTES + 1, 0), (0xFFFFFFFF, 0xFFFFFFFF)]
)
def test_impossible_lengths(total: int, headers: int) -> None:
    prelude = struct.pack(">II", total, headers)
    with pytest.raises(UpstreamBroken):
        EventStreamReader().feed(prelude + struct.pack(">I", zlib.crc32(prelude)))


@pytest.mark.parametrize(
    "block", [b"\x05ab", b"\x01a", b"\x01a\x0b", b"\x01a\x07\x00\x09x", b"\x01\xff\x00", b"\x01a\x07\x00"]
)
def test_broken_headers(block: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        EventStreamReader().feed(write_message({}, b"", block))


@given(st.binary(min_size=12, max_size=80))
def test_junk_is_only_ever_broken(data: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        EventStreamReader().feed(data)
