import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.sse import DONE, KEEP_ALIVE, ServerEvent, SseReader, write_event
from gatewayz.sdk.errors import UpstreamBroken
from tests.fakes.patient_settings import PATIENT


def read(chunks: list[bytes]) -> list[ServerEvent]:
    reader = SseReader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.finish()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [ServerEvent(b"a"), ServerEvent(b"b")]),
        (b"data:a\r\n\r\ndata: b\r\r", [ServerEvent(b"a"), ServerEvent(b"b")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [ServerEvent(b"a", b"x"), ServerEvent(b"b")]),
        (b"event: x\n\ndata: b\n\n", [ServerEvent(b"b")]),
        (b": comment\nid: 1\nretry: 5\ndata: a\ndata: b\n\n", [ServerEvent(b"a\nb")]),
        (b"data:  two spaces\n\n", [ServerEvent(b" two spaces")]),
        (b"data: a", [ServerEvent(b"a")]),
        (b"data: a\n", [ServerEvent(b"a")]),
        (b"data\n\n", [ServerEvent(b"")]),
        (b"\xef\xbb\xbfdata: a\n\n", [ServerEvent(b"a")]),
        (b'{"error": "not a stream"}', []),
        (b"\n\n\n", []),
        (KEEP_ALIVE + DONE, [ServerEvent(b"[DONE]")]),
        ("data: é\u2028ü\n\n".encode(), [ServerEvent("é\u2028ü".encode())]),
    ],
)
def test_reads_whole_and_byte_by_byte(stream: bytes, expected: list[ServerEvent]) -> None:
    assert read([stream]) == expected
    assert read([bytes([byte]) for byte in stream]) == expected


events_of_a_stream = st.lists(
    st.tuples(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")).map(str.encode),
        st.sampled_from([b"", b"message_start", b"error"]),
    ),
    max_size=6,
)


@PATIENT
@given(events_of_a_stream, st.lists(st.integers(0, 10_000), max_size=12), st.sampled_from([b"\n", b"\r", b"\r\n"]))
def test_round_trip_under_any_chunking(events: list[tuple[bytes, bytes]], places: list[int], line_end: bytes) -> None:
    expected = [ServerEvent(data.removesuffix(b"\n"), name) for data, name in events]
    stream = b"".join(write_event(data, name) for data, name in expected).replace(b"\n", line_end)
    assert read(cut(stream, places)) == expected


@PATIENT
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8))
def test_chunking_never_changes_the_meaning_of_any_bytes(stream: bytes, places: list[int]) -> None:
    assert read(cut(stream, places)) == read([stream])


@pytest.mark.parametrize("chunk", [b"data: " + b"x" * 50, b"x" * 60, b"data: 12345678\n" * 10])
def test_an_event_beyond_the_limit_is_refused(chunk: bytes) -> None:
    reader = SseReader(limit=40)
    with pytest.raises(UpstreamBroken):
        reader.feed(chunk)


def test_the_limit_counts_one_event_not_the_stream() -> None:
    reader = SseReader(limit=40)
    for _ in range(20):
        assert len(reader.feed(b"data: 0123456789\n\n")) == 1
