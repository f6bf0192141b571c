"""Log lines on standard error: readable on a terminal, JSON for machines. Every line passes redaction."""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gatewayz.config.sections.serving import Logging
from gatewayz.telemetry.redact import redact

__all__ = ["REQUEST_ID", "configure_logging"]

_OURS: Final = "gatewayz"
REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Of the request that the running task works on; lines written for it carry it."""


def configure_logging(settings: Logging) -> None:
    """Send the gateway's log lines, and warnings of libraries, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine() if settings.format == "json" else _ConsoleLine())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(settings.level.upper())


class _ConsoleLine(logging.Formatter):
    """`12:00:00 INFO gatewayz.flow [req_1]: message`, line breaks inside a message escaped."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        request_id = _request_id(record)
        where = f"{record.name} [{request_id}]" if request_id else record.name
        line = f"{when} {record.levelname:7} {where}: {_escaped(redact(record.getMessage()))}"
        if record.exc_info:
            line += "\n" + redact(self.formatException(record.exc_info))
        return line


class _JsonLine(logging.Formatter):
    """One JSON object a line; `extra={"facts": {...}}` of a call adds members of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if request_id := _request_id(record):
            line["request_id"] = request_id
        for name, fact in _facts(record).items():
            line.setdefault(name, redact(fact) if isinstance(fact, str) else fact)
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()


def _facts(record: logging.LogRecord) -> Mapping[str, Any]:
    return getattr(record, "facts", {})


def _request_id(record: logging.LogRecord) -> str:
    return str(_facts(record).get("request_id") or REQUEST_ID.get())


def _escaped(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
