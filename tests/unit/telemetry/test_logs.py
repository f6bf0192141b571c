"""Log lines: one line each, the request's id, nothing secret."""

import logging
from collections.abc import Iterator

import msgspec
import pytest

from gatewayz.config.sections.serving import Logging
from gatewayz.telemetry.logs import REQUEST_ID, configure_logging
from gatewayz.telemetry.redact import know_secrets

log = logging.getLogger("gatewayz.test")


Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("gatewayz")
    handlers, level, own_level = root.handlers, root.level, ours.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    ours.setLevel(own_level)


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_message_stays_on_one_line_and_shows_no_secret(capsys: Capture, format: str) -> None:
    configure_logging(Logging(format=format))  # type: ignore[arg-type]
    know_secrets(["odd secret of no form"])
    token = REQUEST_ID.set("req_1")
    try:
        log.warning("a\r\nb odd secret of no form %s", "sk-proj-ABCDEFGHIJKLMNOPQRST")
    finally:
        REQUEST_ID.reset(token)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "odd secret" not in lines[0] and "ABCDEF" not in lines[0]
    if format == "json":
        line = msgspec.json.decode(lines[0])
        assert (line["request_id"], line["level"], line["logger"]) == ("req_1", "warning", "gatewayz.test")
        assert line["message"] == "a\r\nb *** sk-***"
    else:
        assert lines[0].endswith("WARNING gatewayz.test [req_1]: a\\r\\nb *** sk-***")


def test_outside_of_requests_there_is_no_id(capsys: Capture) -> None:
    configure_logging(Logging(format="json"))
    log.info("hello")
    assert "request_id" not in msgspec.json.decode(capsys.readouterr().err)


def test_facts_are_members_and_cannot_replace_others(capsys: Capture) -> None:
    configure_logging(Logging(format="json"))
    facts = {"status": 200, "target": "/?key=sk-proj-ABCDEFGHIJKLMNOPQRST", "level": "x", "request_id": "req_2"}
    log.info("answered", extra={"facts": facts})
    line = msgspec.json.decode(capsys.readouterr().err)
    assert line["status"] == 200 and line["target"] == "/?key=sk-***"
    assert line["level"] == "info" and line["request_id"] == "req_2"


def test_exceptions_are_redacted(capsys: Capture) -> None:
    configure_logging(Logging(format="json"))
    try:
        raise ValueError("postgresql://user:s3cretpass@db/x")
    except ValueError:
        log.exception("failed")
    written = capsys.readouterr().err
    assert "s3cretpass" not in written
    assert "ValueError" in msgspec.json.decode(written)["exception"]
