"""The access log cannot be forged and does not hold requests up."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.server.access import AccessRecord, format_record
from gatewayz.server.asgi import Receive, Scope, Send
from tests.fakes.asgi_apps import echo
from tests.fakes.raw_http import connected, serving, talk


def record(target: bytes) -> AccessRecord:
    return AccessRecord("127.0.0.1", "GET", target, 200, 5, 0.0123)


def test_format() -> None:
    assert format_record(record(b"/a?b")) == '127.0.0.1 "GET /a?b" 200 5 12.3ms'


@given(st.binary())
def test_any_target_stays_inside_its_quotes_on_one_line(target: bytes) -> None:
    line = format_record(record(target))
    assert line.isascii()
    assert line.isprintable()
    inner = line[len('127.0.0.1 "GET ') : -len('" 200 5 12.3ms')]
    assert '"' not in inner.replace("\\\\", "").replace('\\"', "")


@pytest.mark.parametrize("fast_http", [True, False])
async def test_escaped_line_feeds_do_not_forge_lines(caplog: pytest.LogCaptureFixture, fast_http: bool) -> None:
    with caplog.at_level(logging.INFO, "gatewayz.access"):
        async with serving(echo, access_log=True, fast_http=fast_http) as port:
            await talk(port, b'GET /a%0d%0a127.0.0.1%20"GET HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    lines = [entry.getMessage() for entry in caplog.records if entry.name == "gatewayz.access"]
    assert len(lines) == 1
    assert lines[0].startswith('127.0.0.1 "GET /a%0d%0a127.0.0.1%20\\"GET" 200 ')
    assert "\n" not in lines[0]


async def test_refusals_are_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gatewayz.access"):
        async with serving(echo, access_log=True) as port:
            await talk(port, b"nonsense\r\n\r\n")
    assert [entry.getMessage().split('"')[2].split()[0] for entry in caplog.records] == ["400"]


async def test_nothing_is_logged_unless_asked(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gatewayz.access"):
        async with serving(echo) as port:
            await talk(port, b"GET / HTTP/1.0\r\n\r\n")
    assert caplog.records == []


async def test_a_client_that_leaves_and_one_that_is_too_slow_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gatewayz.access"):
        async with serving(wait_for_body, access_log=True, body_timeout_s=0.2) as port:
            await talk(port, b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
            async with connected(port) as client:
                client.send(b"POST /left HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
    lines = [entry.getMessage() for entry in caplog.records if entry.name == "gatewayz.access"]
    assert [line.split(" ", 1)[1].rsplit(" ", 2)[0] for line in lines] == ['"POST /slow" 408', '"POST /left" 499']


async def test_a_line_tells_the_id_of_its_request(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "gatewayz.access"):
        async with serving(say_id, access_log=True) as port:
            await talk(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    facts = [getattr(entry, "facts", {}) for entry in caplog.records if entry.name == "gatewayz.access"]
    assert [(fact["request_id"], fact["status"], fact["sent_bytes"]) for fact in facts] == [("req_1", 200, 2)]


async def wait_for_body(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body", False):
        pass


async def say_id(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"req_1")]})
    await send({"type": "http.response.body", "body": b"ok"})
