"""The access log cannot be forged and does not hold requests up."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.server.access import AccessRecord, format_record
from tests.fakes.asgi_apps import echo
from tests.fakes.raw_http import serving, talk


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
