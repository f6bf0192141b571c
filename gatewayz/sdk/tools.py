"""Server-side tools: functions that models may call, and that the gateway runs.

Source: spec 08 §3, docs/decisions/0171-tools-are-typed-functions.md.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from gatewayz.sdk.errors import (
    GatewayzError,
    UpstreamAuthFailed,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnreachable,
)

__all__ = [
    "Failure",
    "SearchArguments",
    "SearchHit",
    "Tool",
    "ToolFailed",
    "ToolOutcome",
    "failure_of",
    "search_result",
]

Failure = Literal[
    "validation", "configuration", "authentication", "rate_limit", "api_error", "timeout", "connection", "unexpected"
]
"""What kept a tool from its result."""


class ToolFailed(GatewayzError):
    """A tool could not do its work. Its message is shown to callers and models.

    :param failure: the kind, for programs.
    """

    default_code = "TOOL_FAILED"

    def __init__(self, message: str, failure: Failure) -> None:
        super().__init__(message)
        self.failure = failure


class ToolOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool found or made."""

    result: Mapping[str, Any]
    """Goes out as JSON."""
    metadata: Mapping[str, Any] = {}
    """About the run, such as where the result is from."""


class Tool(Protocol):
    """One function. The name it is called by is that of its instance in `tools:`."""

    @property
    def description(self) -> str:
        """What it does, in words that a model understands."""
        ...

    @property
    def arguments(self) -> type[msgspec.Struct]:
        """What it takes: the JSON schema in its definition is made of this type, and arguments are checked by it."""
        ...

    @property
    def is_available(self) -> bool:
        """Whether what it leans on is configured."""
        ...

    async def run(self, arguments: Any) -> ToolOutcome:
        """Do it. `arguments` is an instance of `arguments`. Raises ToolFailed."""
        ...


class SearchArguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every search takes."""

    query: Annotated[str, Meta(min_length=1, max_length=400, pattern=r"\S", description="What to search for.")]
    search_depth: Annotated[Literal["basic", "advanced"], Meta(description="basic is fast, advanced looks closer.")] = (
        "basic"
    )
    max_results: Annotated[int, Meta(ge=1, le=10, description="How many results at most.")] = 5
    include_answer: Annotated[bool, Meta(description="Whether to sum the results up, where that is possible.")] = True
    include_domains: Annotated[
        tuple[str, ...], Meta(max_length=50, description="Only results of these domains; empty is all.")
    ] = ()
    exclude_domains: Annotated[tuple[str, ...], Meta(max_length=50, description="No results of these domains.")] = ()


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """One result; a larger score is a better one."""

    title: str
    url: str
    content: str
    score: float | None = None


def search_result(query: str, hits: tuple[SearchHit, ...], answer: str | None = None) -> dict[str, Any]:
    """Return the result of a search as every search gives it; `answer` only where there is one."""
    result: dict[str, Any] = {
        "query": query,
        "results": [msgspec.to_builtins(hit) for hit in hits],
        "results_count": len(hits),
    }
    return result if answer is None else {**result, "answer": answer}


_FAILURES: tuple[tuple[type[UpstreamError], Failure, str], ...] = (
    (UpstreamAuthFailed, "authentication", "refused the gateway's credential"),
    (UpstreamRateLimited, "rate_limit", "asks for fewer calls"),
    (UpstreamTimeout, "timeout", "did not answer in time"),
    (UpstreamUnreachable, "connection", "cannot be reached"),
)


def failure_of(err: UpstreamError, service: str) -> ToolFailed:
    """Return what a failed call of a service means to who asked for the tool, without the service's own words."""
    for kind, failure, words in _FAILURES:
        if isinstance(err, kind):
            return ToolFailed(f"{service} {words}.", failure)
    return ToolFailed(f"{service} failed.", "api_error")
