"""One request and its answer: what arrived, what is unread, and which time limit runs.

An exchange is the reply its caller holds (`HttpReply`) and the receiver of the parser's events. It
lets go of the connection as soon as the answer is complete, read or not; before that, closing it
cuts the connection.
"""

from asyncio import AbstractEventLoop, Future
from typing import TYPE_CHECKING, Final

from gatewayz.sdk.errors import TimeoutPhase, UpstreamBroken, UpstreamError, UpstreamTimeout
from gatewayz.sdk.wire import Headers, Timeouts
from gatewayz.upstream.limits import Limits

if TYPE_CHECKING:
    from gatewayz.upstream.connection import Connection

__all__ = ["Exchange"]

CLOCK_GRAIN_S: Final = 0.001
"""Event loops count time in milliseconds; a timer may be early by one."""
LINE_OVERHEAD_BYTES: Final = 4
FRAMING: Final = frozenset((b"content-length", b"transfer-encoding", b"content-encoding", b"keep-alive"))
BODILESS: Final = frozenset((204, 304))
FOREVER: Final = float("inf")


class Exchange:
    """`gatewayz.sdk.wire.HttpReply`. For one reader at a time; times are the event loop's."""

    __slots__ = (
        "_barren_bytes",
        "_body_bytes",
        "_chunks",
        "_connection",
        "_error",
        "_first_byte_at",
        "_first_byte_s",
        "_has_progress",
        "_head_bytes",
        "_idle_s",
        "_idle_since",
        "_is_head_request",
        "_is_interim",
        "_is_until_close",
        "_limits",
        "_lines",
        "_loop",
        "_tick_at",
        "_total_at",
        "_unread_bytes",
        "_waiter",
        "got_bytes",
        "has_head",
        "headers",
        "is_clean",
        "is_done",
        "keep_alive_s",
        "status",
        "was_unanswered",
    )

    def __init__(
        self,
        connection: "Connection",
        loop: AbstractEventLoop,
        limits: Limits,
        *,
        timeouts: Timeouts,
        now: float,
        total_at: float,
        is_head_request: bool = False,
    ) -> None:
        self._connection: Connection | None = connection
        self._loop = loop
        self._limits = limits
        self._is_head_request = is_head_request
        self._first_byte_s = timeouts.first_byte_s
        self._first_byte_at = now + timeouts.first_byte_s
        self._total_at = total_at
        self._idle_s = timeouts.idle_s
        self._idle_since = now
        self._tick_at = FOREVER
        self._lines: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._unread_bytes = self._body_bytes = self._head_bytes = self._barren_bytes = 0
        self._has_progress = self._is_interim = self._is_until_close = False
        self._error: UpstreamError | None = None
        self._waiter: Future[None] | None = None
        self.status = 0
        self.headers: Headers = self._lines
        self.got_bytes = False
        self.was_unanswered = False
        """The connection was lost before a single byte of answer: it may be sent again elsewhere."""
        self.has_head = False
        self.is_done = False
        """The answer is complete."""
        self.is_clean = True
        """Nothing stands against using the connection again."""
        self.keep_alive_s = limits.keep_alive_s

    # --- the reader's side ---

    def head_arrived(self) -> "Future[None]":
        """Return a future that is done when there is a head or an error; to be asked once, before the answer."""
        self._waiter = waiter = self._loop.create_future()
        return waiter

    @property
    def error(self) -> UpstreamError | None:
        """What ended the exchange early."""
        return self._error

    async def read(self, wait_s: float | None = None) -> bytes | None:
        """Return what has arrived (at least one byte), `b""` at the end, None when `wait_s` passed first.

        Cancelling cuts the connection. Raises UpstreamTimeout (phase `idle` or `total`) and UpstreamBroken.
        """
        if not self._chunks and not self.is_done and self._error is None:
            await self._wait(wait_s)
        chunks = self._chunks
        if chunks:
            data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            chunks.clear()
            if self._unread_bytes > self._limits.max_unread_bytes and self._connection is not None:
                self._connection.resume()
            self._unread_bytes = 0
            self._idle_since = self._loop.time()
            return data
        if self._error is not None:
            raise self._error
        return b"" if self.is_done else None

    async def read_all(self, limit: int) -> bytes:
        """Return the whole body. Raises UpstreamBroken when it is longer than `limit` bytes, and as `read`."""
        pieces: list[bytes] = []
        size = 0
        while True:
            piece = await self.read()
            if not piece:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            size += len(piece)
            if size > limit:
                self.close()
                raise UpstreamBroken("the provider's answer is too long")
            pieces.append(piece)

    def close(self) -> None:
        """Let go of the answer; an incomplete one is cut off at once. Idempotent."""
        connection = self._connection
        self._chunks.clear()
        if connection is not None:
            self._error = self._error or UpstreamBroken("the answer was closed before its end")
            self._connection = None
            connection.cut()
            self._wake()

    async def _wait(self, wait_s: float | None) -> None:
        now = self._loop.time()
        # A silence that is over the limit already still gets one turn of the loop to end.
        idle_at = max(self._idle_since + self._idle_s, now + CLOCK_GRAIN_S)
        self._tick_at = FOREVER if wait_s is None else now + wait_s
        connection = self._connection
        if connection is not None:
            connection.wake_at(min(idle_at, self._tick_at, self._total_at))
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        except BaseException:  # cancellation too: let go, then raise again
            self.close()
            raise
        finally:
            self._waiter = None

    # --- the connection's side ---

    @property
    def is_answered(self) -> bool:
        """Whether there is nothing more to wait for before the answer is read: a head, or an error."""
        return self.has_head or self._error is not None

    def sent_more(self, now: float) -> None:
        """A piece of a long request was taken: the answer is waited for from here."""
        self._first_byte_at = now + self._first_byte_s

    def first_deadline(self) -> float:
        """When `check_time` must be called for the first time."""
        return min(self._first_byte_at, self._total_at)

    def check_time(self, now: float) -> float | None:
        """Enforce the limits at `now`; return when to look again, None when the exchange is over."""
        now += CLOCK_GRAIN_S
        if now >= self._total_at:
            self._expired("total")
            return None
        if not self.has_head:
            if now < self._first_byte_at:
                return self.first_deadline()
            self._expired("first_byte")
            return None
        if self._waiter is None:
            return self._total_at
        idle_at = self._idle_since + self._idle_s
        if now >= idle_at:
            self._expired("idle")
            return None
        if now >= self._tick_at:
            self._tick_at = FOREVER
            self._wake()
            return self._total_at
        return min(idle_at, self._tick_at, self._total_at)

    def fed(self, size: int) -> bool:
        """Take stock after `size` bytes went through the parser; True when reading should pause."""
        if self._has_progress:
            self._has_progress = False
            self._barren_bytes = 0
            self._wake()
        else:
            self._barren_bytes += size
            if self._barren_bytes > self._limits.max_header_bytes:
                self.fail(UpstreamBroken("the provider sends too much that is no content"))
        return self._unread_bytes > self._limits.max_unread_bytes

    def fail(self, error: UpstreamError) -> None:
        """End the exchange with an error and cut the connection; what has arrived can still be read."""
        if self.is_done or self._error is not None:
            return
        self._error = error
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.cut()
        self._wake()

    def lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._connection = None
        if not self.is_done and self._error is None:
            if self.has_head and self._is_until_close and error is None:
                self.is_done = True
            elif self.got_bytes:
                self._error = UpstreamBroken("the provider cut its answer short")
            else:
                self.was_unanswered = True
                self._error = UpstreamBroken("the provider closed the connection without an answer")
            self._error = self._error and _caused_by(self._error, error)
        self._wake()

    def released(self) -> None:
        """The connection has been given back: the answer is complete."""
        self._connection = None

    def _expired(self, phase: TimeoutPhase) -> None:
        self.fail(UpstreamTimeout(f"the provider did not answer in time ({phase})", phase=phase))

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    # --- events of the parser; exceptions raised here would be lost in it ---

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line, or a trailer, which is dropped."""
        if not self.has_head:
            self._head_bytes += len(name) + len(value) + LINE_OVERHEAD_BYTES
            if self._head_bytes > self._limits.max_header_bytes:
                self.fail(UpstreamBroken("the head of the provider's answer is too long"))
            self._lines.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete; 1xx heads are passed over."""
        connection = self._connection
        if connection is None:
            return
        status = connection.parsed_status()
        if status < 200:
            self._is_interim = True
            return
        self.status = status
        self._check_framing()
        if self._error is not None:
            return
        self.has_head = self._has_progress = True
        self._idle_since = self._loop.time()
        if self._is_head_request:
            # The parser waits for a body that will not come, so the connection cannot be used again.
            self.is_done = True
            self.is_clean = False

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self.is_done or self._error is not None:
            self.is_clean = False
            return
        size = len(data)
        self._chunks.append(data)
        self._unread_bytes += size
        self._body_bytes += size
        self._has_progress = True
        if self._body_bytes > self._limits.max_body_bytes:
            self.fail(UpstreamBroken("the provider's answer is too long"))

    def on_message_begin(self) -> None:
        """A second answer to one request makes the connection unfit for another."""
        if self.is_done:
            self.is_clean = False

    def on_message_complete(self) -> None:
        """The answer is complete, unless it was an interim one."""
        if self._is_interim:
            self._is_interim = False
            self._lines.clear()
            return
        self.is_done = self._has_progress = True
        # To be asked now: a moment later the parser has forgotten.
        if self._connection is None or not self._connection.parsed_keep_alive():
            self.is_clean = False

    def _check_framing(self) -> None:
        has_length = False
        for name, value in self._lines:
            if name not in FRAMING:
                continue
            if name == b"content-length":
                has_length = True
            elif name == b"transfer-encoding":
                has_length = True
                if value.strip().lower() != b"chunked":
                    self.fail(UpstreamBroken("the provider uses a transfer coding that was not asked for"))
            elif name == b"content-encoding":
                if value.strip().lower() not in (b"identity", b"") and not self._is_bodiless():
                    self.fail(UpstreamBroken("the provider compresses although it was asked not to"))
            else:
                self._keep_shorter(value)
        self._is_until_close = not has_length and not self._is_bodiless()

    def _is_bodiless(self) -> bool:
        return self._is_head_request or self.status in BODILESS

    def _keep_shorter(self, value: bytes) -> None:
        for word in value.split(b","):
            name, _, number = word.strip().partition(b"=")
            if name.lower() == b"timeout" and number.isdigit():
                # A second early: the provider's clock started before ours.
                self.keep_alive_s = max(0.0, min(self.keep_alive_s, int(number[:6]) - 1.0))


def _caused_by(error: UpstreamError, cause: Exception | None) -> UpstreamError:
    error.__cause__ = cause
    return error
