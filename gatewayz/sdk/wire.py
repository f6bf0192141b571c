"""HTTP towards a provider, as values: what goes out, what comes back, and for how long."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple, NewType, Protocol
from urllib.parse import urlsplit

import msgspec

__all__ = [
    "ANTHROPIC_MESSAGES",
    "BEDROCK_CONVERSE",
    "COHERE_CHAT",
    "DEFAULT_TIMEOUTS",
    "GEMINI_GENERATE",
    "OPENAI_CHAT",
    "OPENAI_COMPLETIONS",
    "OPENAI_EMBEDDINGS",
    "OPENAI_IMAGES",
    "OPENAI_RESPONSES",
    "OPENAI_SPEECH",
    "OPENAI_TRANSCRIPTIONS",
    "BodySource",
    "CallContext",
    "Format",
    "Headers",
    "HttpClient",
    "HttpReply",
    "HttpRequest",
    "Origin",
    "Timeouts",
    "WireCall",
    "split_url",
]

Format = NewType("Format", str)
"""Name of a wire format; a plugin may bring its own."""

OPENAI_CHAT: Final = Format("openai_chat")
OPENAI_COMPLETIONS: Final = Format("openai_completions")
OPENAI_RESPONSES: Final = Format("openai_responses")
OPENAI_EMBEDDINGS: Final = Format("openai_embeddings")
OPENAI_IMAGES: Final = Format("openai_images")
OPENAI_TRANSCRIPTIONS: Final = Format("openai_transcriptions")
OPENAI_SPEECH: Final = Format("openai_speech")
ANTHROPIC_MESSAGES: Final = Format("anthropic_messages")
GEMINI_GENERATE: Final = Format("gemini_generate")
BEDROCK_CONVERSE: Final = Format("bedrock_converse")
COHERE_CHAT: Final = Format("cohere_chat")

Headers = Sequence[tuple[bytes, bytes]]
"""Header lines in order; names in lower case."""


class Origin(NamedTuple):
    """Where connections go; the key of a connection pool."""

    scheme: str
    host: str
    port: int


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one exchange, in seconds, each told apart in errors."""

    connect_s: float = 5.0
    first_byte_s: float = 60.0
    """From the request sent, or the last piece of a long one taken, to the head of the answer."""
    idle_s: float = 120.0
    """Between two pieces of the answer."""
    total_s: float = 600.0


DEFAULT_TIMEOUTS: Final = Timeouts()


class BodySource(Protocol):
    """A body that is not in memory. It is sent from its beginning at each attempt, a piece at a time."""

    @property
    def size(self) -> int:
        """Length in bytes; the pieces come to exactly that."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """Read it once more."""
        ...


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `host`, `content-length` and `accept-encoding: identity` are added by the client."""

    origin: Origin
    target: bytes
    """Path and query, percent-encoded."""
    headers: Headers
    body: bytes = b""
    method: bytes = b"POST"
    upload: BodySource | None = None
    """In place of `body`: what is too large for the memory."""


class HttpReply(Protocol):
    """An answer whose head has arrived; the body is read at the reader's pace."""

    status: int
    headers: Headers

    async def read(self, wait_s: float | None = None) -> bytes | None:
        """Return what has arrived (at least one byte), `b""` at the end, None when `wait_s` passed first.

        Raises UpstreamTimeout (phase `idle` or `total`) and UpstreamBroken (connection cut early).
        """
        ...

    async def read_all(self, limit: int) -> bytes:
        """Return the whole body. Raises UpstreamBroken when it is longer than `limit` bytes, and as `read`."""
        ...

    def close(self) -> None:
        """Let go: a fully read answer returns its connection to the pool, any other is cut at once. Idempotent."""
        ...


class HttpClient(Protocol):
    """Sends requests over pooled connections."""

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpReply:
        """Return the answer when its head has arrived, whatever its status.

        A request whose kept connection turns out to be dead is sent once more on a fresh one when no
        byte was answered. Cancelling closes the connection.
        Raises UpstreamUnreachable, UpstreamTimeout (phase `connect` or `first_byte`), UpstreamBroken.
        """
        ...


class CallContext(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds one attempt."""

    request_id: str
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    credential: str = "default"
    """Label of the provider instance's credential to use."""
    headers: Headers = ()
    """Caller headers the format defines as part of the call (`anthropic-beta`, `anthropic-version`)."""


class WireCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call in the caller's own format, for a provider that speaks the same one."""

    format: Format
    model: str
    """The provider's id of the model."""
    fields: dict[str, msgspec.Raw]
    """The body's top-level members, each value as the caller's own bytes, gateway extensions removed."""
    stream: bool = False


def split_url(url: str) -> tuple[Origin, str]:
    """Return origin and path (without trailing slash) of a base URL.

    Raises ValueError when it is not an absolute http or https URL or carries a query or user part.
    """
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ValueError(f"not an absolute http(s) URL: {url!r}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Origin(parts.scheme, parts.hostname, port), parts.path.rstrip("/")
