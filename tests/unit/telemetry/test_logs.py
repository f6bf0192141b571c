"""Log lines: one line each, the request's id, nothing secret."""

import io
import logging
import sys
from collections.abc import Iterator

import msgspec
import pytest

from gatewayz.config.sections.serving import Logging
from gatewayz.telemetry.logs import REQUEST_ID, configure_logging
from gatewayz.telemetry.redact import know_secrets

log = logging.getLogger("gatewayz.test")


@pytest.fixture
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("gatewayz")
    before = (root.handlers, root.level, ours.level)
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    yield written
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_message_stays_on_one_line_and_shows_no_secret(stderr: io.StringIO, format: str) -> None:
    configure_logging(Logging(format=format))  # type: ignore[arg-type]
    know_secrets(["odd secret of no form"])
    token = REQUEST_ID.set("req_1")
    try:
        log.warning("a\r\nb odd secret of no form %s", "sk-proj-ABCDEFGHIJKLMNOPQRST")
    finally:
        REQUEST_ID.reset(token)
    lines = stderr.getvalue().splitlines()
    assert len(lines) == 1 and "odd secret" not in lines[0] and "ABCDEF" not in lines[0]
    if format == "json":
        line = msgspec.json.decode(lines[0])
        assert (line["request_id"], line["level"], line["logger"]) == ("req_1", "warning", "gatewayz.test")
        assert line["message"] == "a\r\nb *** sk-***"
    else:
        assert lines[0].endswith("WARNING gatewayz.test [req_1]: a\\r\\nb *** sk-***")


def test_outside_of_requests_there_is_no_id(stderr: io.StringIO) -> None:
    configure_logging(Logging(format="json"))
    log.info("hello")
    assert "request_id" not in msgspec.json.decode(stderr.getvalue())


def test_facts_are_members_and_cannot_replace_others(stderr: io.StringIO) -> None:
    configure_logging(Logging(format="json"))
    facts = {"status": 200, "target": "/?key=sk-proj-ABCDEFGHIJKLMNOPQRST", "level": "x", "request_id": "req_2"}
    log.info("answered", extra={"facts": facts})
    line = msgspec.json.decode(stderr.getvalue())
    assert line["status"] == 200 and line["target"] == "/?key=sk-***"
    assert line["level"] == "info" and line["request_id"] == "req_2"


def test_exceptions_are_redacted(stderr: io.StringIO) -> None:
    configure_logging(Logging(format="json"))
    try:
        raise ValueError("postgresql://user:s3cretpass@db/x")
    except ValueError:
        log.exception("failed")
    assert "s3cretpass" not in stderr.getvalue()
    assert "ValueError" in msgspec.json.decode(stderr.getvalue())["exception"]
