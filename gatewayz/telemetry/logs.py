"""Log lines on standard error: readable on a terminal, JSON for machines. Every line passes redaction."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from gatewayz.config.sections.serving import Logging
from gatewayz.telemetry.redact import redact

__all__ = ["configure_logging"]

_OURS: Final = "gatewayz"


def configure_logging(settings: Logging) -> None:
    """Send the gateway's log lines, and warnings of libraries, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLine() if settings.format == "json" else _ConsoleLine())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(settings.level.upper())


class _ConsoleLine(logging.Formatter):
    """`12:00:00 INFO gatewayz.flow: message`, line breaks inside a message escaped."""

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        line = f"{when} {record.levelname:7} {record.name}: {_escaped(redact(record.getMessage()))}"
        if record.exc_info:
            line += "\n" + redact(self.formatException(record.exc_info))
        return line


class _JsonLine(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()


def _escaped(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
