"""What each malformed request is answered with, over a real socket, and that nothing behind it is served."""

import pytest

from gatewayz.server.framing import HostRule, read_framing, read_request_line
from gatewayz.server.refusal import Refusal
from tests.fakes.asgi_apps import echo
from tests.fakes.raw_http import count_answers, error_of, serving, status_of, talk

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def head(*lines: bytes, request: bytes = b"POST / HTTP/1.1", host: bytes = b"Host: a") -> bytes:
    return b"\r\n".join([request, *([host] if host else []), *lines]) + b"\r\n\r\n"


CHUNKED = head(b"Transfer-Encoding: chunked")
CASES = {
    "length and chunked": (400, head(b"Content-Length: 3", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    "chunked and length": (400, head(b"Transfer-Encoding: chunked", b"Content-Length: 3") + b"0\r\n\r\n"),
    "two lengths": (400, head(b"Content-Length: 3", b"Content-Length: 3") + b"abc"),
    "two different lengths": (400, head(b"Content-Length: 3", b"Content-Length: 4") + b"abcd"),
    "list of lengths": (400, head(b"Content-Length: 3, 3") + b"abc"),
    "signed length": (400, head(b"Content-Length: +3") + b"abc"),
    "negative length": (400, head(b"Content-Length: -3") + b"abc"),
    "hexadecimal length": (400, head(b"Content-Length: 0x3") + b"abc"),
    "empty length": (400, head(b"Content-Length: ") + b"abc"),
    "huge length": (400, head(b"Content-Length: 99999999999999999999999") + b"abc"),
    "length in Arabic digits": (400, head("Content-Length: ٣".encode()) + b"abc"),
    "bare line feeds": (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    "one bare line feed": (400, b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    "bare carriage return": (400, b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
    "folded header": (400, head(b"X: a", b" b")),
    "folded first header": (400, b"GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    "nul in header": (400, head(b"X: a\0b")),
    "control in header": (400, head(b"X: a\x01b")),
    "delete in header": (400, head(b"X: a\x7fb")),
    "space before colon": (400, head(b"X : b")),
    "space before colon of a length": (400, head(b"Content-Length : 3") + b"abc"),
    "separator in header name": (400, head(b"X(y): b")),
    "non-ascii header name": (400, head("Ä: b".encode())),
    "header without name": (400, head(b": b")),
    "header without colon": (400, head(b"nonsense")),
    "unknown transfer coding": (400, head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n"),
    "coding before chunked": (400, head(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"),
    "identity coding": (400, head(b"Transfer-Encoding: identity")),
    "chunked twice": (400, head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    "chunked with vertical tab": (400, head(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n"),
    "chunked in 1.0": (400, head(b"Transfer-Encoding: chunked", request=b"POST / HTTP/1.0") + b"0\r\n\r\n"),
    "version 9.9": (505, head(request=b"GET / HTTP/9.9")),
    "version 2.0": (505, head(request=b"GET / HTTP/2.0")),
    "version 0.9": (400, b"GET /\r\n\r\n"),
    "no version": (400, head(request=b"GET / HTTP")),
    "lower-case version": (400, head(request=b"GET / http/1.1")),
    "two spaces": (400, head(request=b"GET  / HTTP/1.1")),
    "tab": (400, head(request=b"GET\t/\tHTTP/1.1")),
    "trailing space": (400, head(request=b"GET / HTTP/1.1 ")),
    "lower-case verb": (400, head(request=b"get / HTTP/1.1")),
    "unknown verb": (501, head(request=b"BREW / HTTP/1.1")),
    "trace": (501, head(request=b"TRACE / HTTP/1.1")),
    "connect": (405, head(request=b"CONNECT example.com:443 HTTP/1.1")),
    "http/2 preface": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "websocket": (
        400,
        head(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13", request=b"GET / HTTP/1.1"),
    ),
    "no host": (400, head(host=b"")),
    "two hosts": (400, head(b"Host: b")),
    "empty host": (400, head(host=b"Host: ")),
    "label too long": (400, head(host=b"Host: " + b"a" * 64 + b".example")),
    "host too long": (400, head(host=b"Host: " + b".".join([b"a" * 60] * 5))),
    "host with path": (400, head(host=b"Host: a/b")),
    "host with user": (400, head(host=b"Host: u@a")),
    "host with space": (400, head(host=b"Host: a b")),
    "host with port text": (400, head(host=b"Host: a:http")),
    "absolute target": (400, head(request=b"GET http://a/ HTTP/1.1")),
    "asterisk target": (400, head(request=b"OPTIONS * HTTP/1.1")),
    "control in target": (400, head(request=b"GET /a\x01 HTTP/1.1")),
    "nul in target": (400, head(request=b"GET /a\0 HTTP/1.1")),
    "non-ascii target": (400, head(request=b"GET /\xff HTTP/1.1")),
    "fragment in target": (400, head(request=b"GET /a#b HTTP/1.1")),
    "unknown expectation": (417, head(b"Expect: a-miracle", b"Content-Length: 3") + b"abc"),
    "tls hello": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "large head": (431, head(b"X: " + b"a" * 70_000)),
    "large head that does not end": (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000),
    "many headers": (431, head(*[b"X: y"] * 200)),
    "negative chunk": (400, CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n"),
    "prefixed chunk": (400, CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n"),
    "huge chunk": (400, CHUNKED + b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    "chunk size with space": (400, CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n"),
    "chunk ended by line feed": (400, CHUNKED + b"3\nabc\n0\n\n"),
    "chunk longer than said": (400, CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n"),
    "chunk extension ended by line feed": (400, CHUNKED + b"3;a\nabc\r\n0\r\n\r\n"),
    "chunk without size": (400, CHUNKED + b"\r\nabc\r\n0\r\n\r\n"),
    "length in a trailer": (400, CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "flood of chunk extensions": (400, CHUNKED + (b"1;" + b"a" * 200 + b"\r\nx\r\n") * 100 + b"0\r\n\r\n"),
    "one endless chunk extension": (400, CHUNKED + b"1;" + b"a" * 20_000),
    "flood of trailers": (400, CHUNKED + b"0\r\n" + b"X: y\r\n" * 5_000 + b"\r\n"),
}


@pytest.mark.parametrize("name", CASES)
async def test_refuses_and_closes(name: str) -> None:
    status, request = CASES[name]
    async with serving(echo) as port:
        answer = await talk(port, request + SMUGGLED)
    assert status_of(answer) == status
    assert count_answers(answer) == 1
    assert b"connection: close" in answer
    assert b"\r\nserver:" not in answer
    error = error_of(answer)
    assert error["type"] == "invalid_request_error"
    assert error["code"] == "MALFORMED_REQUEST"
    assert error["status"] == status
    assert error["message"]


ACCEPTED = {
    "plain": (b"GET / ", head(request=b"GET / HTTP/1.1")),
    "empty lines first": (b"GET / ", b"\r\n\r\n" + head(request=b"GET / HTTP/1.1")),
    "escaped path": (b"GET /a\r\nb ", head(request=b"GET /a%0d%0ab HTTP/1.1")),
    "broken utf-8 in path": ("GET /� ".encode(), head(request=b"GET /%ff HTTP/1.1")),
    "body": (b"POST / abc", head(b"Content-Length: 3") + b"abc"),
    "length with trailing space": (b"POST / abc", head(b"Content-Length: 3 ") + b"abc"),
    "chunks": (b"POST / abcdef", CHUNKED + b"3\r\nabc\r\n3;x=y\r\ndef\r\n0\r\n\r\n"),
    "chunks and trailer": (b"POST / abc", CHUNKED + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"),
    "upper-case coding": (b"POST / abc", head(b"Transfer-Encoding: Chunked") + b"3\r\nabc\r\n0\r\n\r\n"),
    "address as host": (b"GET / ", head(request=b"GET / HTTP/1.1", host=b"Host: [::1]:8000")),
    "underscore in host": (b"GET / ", head(request=b"GET / HTTP/1.1", host=b"Host: my_service:8000")),
    "empty header": (b"GET / ", head(b"X:", b"Y: z", request=b"GET / HTTP/1.1")),
    "1.0 without host": (b"GET / ", head(request=b"GET / HTTP/1.0", host=b"")),
    "latin-1 in a header": (b"GET / ", head(b"X: \xe9", request=b"GET / HTTP/1.1")),
    "h2c offered": (
        b"GET / ",
        head(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA", request=b"GET / HTTP/1.1"),
    ),
    "h2c offered with a body": (
        b"POST / abc",
        head(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 3") + b"abc",
    ),
    "upgrade without connection": (b"GET / ", head(b"Upgrade: h2c", request=b"GET / HTTP/1.1")),
}


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("torn", [False, True])
async def test_accepts(name: str, torn: bool) -> None:
    from tests.fakes.raw_http import connected

    body, request = ACCEPTED[name]
    async with serving(echo) as port, connected(port) as client:
        if torn:
            for index in range(len(request)):
                client.send(request[index : index + 1])
                await client.writer.drain()
        else:
            client.send(request)
        answer_head = await client.until(b"\r\n\r\n")
        assert status_of(answer_head) == 200
        assert b"101" not in answer_head
        assert await client.reader.readexactly(len(body)) == body


async def test_other_hosts_are_refused_when_some_are_allowed() -> None:
    async with serving(echo, allowed_hosts=("api.example",)) as port:
        assert status_of(await talk(port, head(host=b"Host: evil.example"))) == 400
        assert status_of(await talk(port, head(b"Connection: close", host=b"Host: API.example:8000"))) == 200


async def test_h2c_offer_is_answered_in_http11_and_closed() -> None:
    async with serving(echo) as port:
        offered = head(b"Connection: Upgrade", b"Upgrade: h2c", request=b"GET / HTTP/1.1")
        answer = await talk(port, offered + SMUGGLED)
    assert count_answers(answer) == 1
    assert b"connection: close" in answer


async def test_a_request_behind_a_chunked_body_in_one_packet_is_not_guessed_at() -> None:
    async with serving(echo) as port:
        answer = await talk(port, CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + SMUGGLED)
    assert count_answers(answer) == 1
    assert answer.endswith(b"POST / abc")


def test_read_request_line() -> None:
    assert read_request_line(b"GET /a?b HTTP/1.1") == ("GET", b"/a?b", "1.1")


def test_read_framing_tells_close_and_expectation() -> None:
    framing = read_framing([(b"connection", b"Keep-Alive, Close"), (b"expect", b"100-Continue")], "1.1")
    assert framing.close
    assert framing.expects_continue
    assert framing.length is None


def test_host_rule_does_not_remember_without_end() -> None:
    rule = HostRule()
    for number in range(5_000):
        rule.check(b"h%d.example" % number, "1.1")
    assert len(rule._accepted) <= 1024
    with pytest.raises(Refusal):
        rule.check(b"-bad", "1.1")
