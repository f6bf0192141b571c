"""How the head of an answer is encoded."""

import pytest

from gatewayz.server.response import BODILESS, CHUNKED, SIZED, UNTIL_CLOSE, DateLine, build_head

DATE = b"date: now\r\n"


def test_announces_a_whole_body_that_the_application_did_not_measure() -> None:
    head = build_head(200, [(b"X-A", b"b")], date_line=DATE, whole_length=5)
    assert head.block == b"HTTP/1.1 200 OK\r\nx-a: b\r\ndate: now\r\ncontent-length: 5\r\n\r\n"
    assert (head.mode, head.length, head.close) == (SIZED, 5, False)


def test_chunks_a_body_of_unknown_length() -> None:
    head = build_head(200, [], date_line=DATE, whole_length=None)
    assert head.mode == CHUNKED
    assert b"transfer-encoding: chunked\r\n" in head.block


def test_ends_an_old_clients_stream_with_the_connection() -> None:
    head = build_head(200, [], date_line=DATE, whole_length=None, http10=True)
    assert (head.mode, head.close) == (UNTIL_CLOSE, True)
    assert b"connection: close\r\n" in head.block


def test_framing_headers_of_the_application_are_replaced() -> None:
    headers = [(b"transfer-encoding", b"chunked"), (b"connection", b"close"), (b"keep-alive", b"timeout=1")]
    head = build_head(200, headers, date_line=DATE, whole_length=2)
    assert head.close
    assert head.block.count(b"connection:") == 1
    assert b"transfer-encoding" not in head.block
    assert b"keep-alive" not in head.block


def test_a_relayed_date_is_kept() -> None:
    head = build_head(200, [(b"date", b"then")], date_line=DATE, whole_length=0)
    assert b"date: then\r\n" in head.block
    assert b"now" not in head.block


@pytest.mark.parametrize(("status", "to_head"), [(204, False), (304, False), (200, True)])
def test_bodiless(status: int, to_head: bool) -> None:
    head = build_head(status, [(b"content-length", b"9")], date_line=DATE, whole_length=None, to_head=to_head)
    assert head.mode == BODILESS
    assert (b"content-length: 9" in head.block) == (status != 204)


@pytest.mark.parametrize("status", [99, 101, 600])
def test_impossible_statuses_are_refused(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        build_head(status, [], date_line=DATE, whole_length=0)


def test_an_unnamed_status_is_sent_without_phrase() -> None:
    assert build_head(599, [], date_line=DATE, whole_length=0).block.startswith(b"HTTP/1.1 599 \r\n")


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0b"])
def test_control_characters_are_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="control character"):
        build_head(200, [(b"x", value)], date_line=DATE, whole_length=0)


def test_a_length_that_contradicts_the_body_is_refused() -> None:
    with pytest.raises(ValueError, match="content-length"):
        build_head(200, [(b"content-length", b"3")], date_line=DATE, whole_length=4)


def test_date_line_is_formatted_once_a_second() -> None:
    now = 0.0
    line = DateLine(lambda: now)
    first = line.read()
    assert first == b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    now = 0.9
    assert line.read() is first
    now = 1.0
    assert line.read() == b"date: Thu, 01 Jan 1970 00:00:01 GMT\r\n"
