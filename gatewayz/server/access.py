"""The access log: one line per answer, formatted in a thread, never forged by what a client sent."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Final

import msgspec

__all__ = ["AccessLog", "AccessRecord", "format_record", "request_id_of"]

_logger = logging.getLogger("gatewayz.access")
_FLUSH_S: Final = 0.2
_MAX_PENDING: Final = 10_000


class AccessRecord(msgspec.Struct, frozen=True, gc=False):
    """One answered request."""

    client: str
    method: str
    target: bytes
    """As sent, still percent-encoded."""
    status: int
    sent_bytes: int
    duration_s: float
    request_id: str = ""
    """As the answer told it; empty when it told none."""


def format_record(record: AccessRecord) -> str:
    """Return the line; quotes, backslashes and everything that is not visible ASCII are escaped."""
    target = _visible(record.target).replace('"', '\\"')
    return (
        f'{record.client} "{record.method} {target}" {record.status} {record.sent_bytes} '
        f"{record.duration_s * 1000:.1f}ms"
    )


def _visible(target: bytes) -> str:
    return target.decode("latin-1").encode("unicode_escape").decode("ascii")


def _facts(record: AccessRecord) -> dict[str, Any]:
    """Return what a line in JSON says by members of its own."""
    return {
        "client": record.client,
        "method": record.method,
        "target": _visible(record.target),
        "status": record.status,
        "sent_bytes": record.sent_bytes,
        "duration_ms": round(record.duration_s * 1000, 1),
        "request_id": record.request_id,
    }


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that an answer's headers tell, empty when they tell none."""
    return next((value.decode("latin-1") for name, value in headers if name == b"x-request-id"), "")


class AccessLog:
    """Collects records and writes them a little later, off the event loop."""

    __slots__ = ("_dropped", "_loop", "_pending", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending: list[AccessRecord] = []
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0

    def add(self, record: AccessRecord) -> None:
        """Take a record; when the writer cannot keep up it is counted instead of kept."""
        if len(self._pending) >= _MAX_PENDING:
            self._dropped += 1
            return
        self._pending.append(record)
        if self._timer is None:
            self._timer = self._loop.call_later(_FLUSH_S, self._hand_over)

    def _hand_over(self) -> None:
        self._timer = None
        self._loop.run_in_executor(None, _write, *self._take())

    def _take(self) -> tuple[list[AccessRecord], int]:
        records, self._pending = self._pending, []
        dropped, self._dropped = self._dropped, 0
        return records, dropped

    async def flush(self) -> None:
        """Write what is pending."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._loop.run_in_executor(None, _write, *self._take())


def _write(records: list[AccessRecord], dropped: int) -> None:
    for record in records:
        _logger.info(format_record(record), extra={"facts": _facts(record)})
    if dropped:
        _logger.warning("%d access records were dropped because the log could not keep up", dropped)
