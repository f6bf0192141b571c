"""Warnings and errors out of the log, for the error monitor. Text passes redaction here."""

import logging
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Final

from gatewayz.domain.error_patterns.pattern import LoggedError, Origin
from gatewayz.sdk.errors import GatewayzError
from gatewayz.telemetry.redact import redact

__all__ = ["ErrorHandler"]

_DETAIL_LIMIT: Final = 500
_TRACE_LIMIT: Final = 8_000
_ROOTS: Final = frozenset({"gatewayz", "gatewayz_plugins", "site-packages"})


class ErrorHandler(logging.Handler):
    """Tells of every line of level WARNING and above; `tell` must not log, wait or raise."""

    def __init__(self, tell: Callable[[LoggedError], None]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one line."""
        try:
            self._tell(_read(record))
        except Exception:  # noqa: BLE001  a handler must not raise into the code that logs
            self.handleError(record)


def _read(record: logging.LogRecord) -> LoggedError:
    error = _error_of(record)
    return LoggedError(
        level=record.levelno,
        logger=record.name,
        template=redact(str(record.msg)),
        detail=redact(record.getMessage())[:_DETAIL_LIMIT],
        exception=None if error is None else type(error).__name__,
        module=None if error is None else type(error).__module__,
        code=error.code if isinstance(error, GatewayzError) else None,
        origin=_origin(record, error),
    )


def _error_of(record: logging.LogRecord) -> BaseException | None:
    """Return the exception a line is about: the one it comes with, else one among its values."""
    if record.exc_info and record.exc_info[1] is not None:
        return record.exc_info[1]
    values = record.args if isinstance(record.args, tuple) else ()
    return next((value for value in values if isinstance(value, BaseException)), None)


def _origin(record: logging.LogRecord, error: BaseException | None) -> Origin:
    if not record.exc_info or error is None or error.__traceback__ is None:
        return Origin(file=_shortened(record.pathname), line=record.lineno, function=record.funcName)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    trace = "".join(traceback.format_exception(error))
    return Origin(
        file=_shortened(frame.filename),
        line=frame.lineno or 0,
        function=frame.name,
        stack_trace=redact(trace)[-_TRACE_LIMIT:],
    )


def _shortened(path: str) -> str:
    """Return the path from the package on: where it is installed is nobody's business."""
    parts = PurePath(path).parts
    roots = [index for index, part in enumerate(parts) if part in _ROOTS]
    start = roots[-1] + (parts[roots[-1]] == "site-packages") if roots else max(0, len(parts) - 2)
    return "/".join(parts[start:])
