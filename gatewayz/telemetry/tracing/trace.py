"""What a request that is traced reports to."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from gatewayz.sdk.wire import Headers

__all__ = ["Trace", "Tracing"]


class Trace(Protocol):
    """Where spans go; times are nanoseconds since the epoch."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """Measure a step."""
        ...

    def open_attempt(self, name: str, start_ns: int | None = None) -> Any:
        """Return the span of a call to a provider."""
        ...

    def headers_of(self, attempt: Any) -> Headers:
        """Return what tells the provider its parent."""
        ...

    def end_attempt(self, attempt: Any, facts: Mapping[str, Any], error: str | None, end_ns: int) -> None:
        """End the span of an attempt."""
        ...

    def end(self, facts: Mapping[str, Any], status: int, error: str | None, end_ns: int) -> None:
        """End the request's own span."""
        ...


class Tracing(Protocol):
    """Begins traces."""

    def begin(self, headers: Iterable[tuple[bytes, bytes]], *, method: str, path: str, request_id: str) -> Trace | None:
        """Return the trace of a request with these headers, None when it is not sampled."""
        ...
