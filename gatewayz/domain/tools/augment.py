"""Search results as text to put before a conversation. Source: spec 08 §3, spec 01 §1.7."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from gatewayz.sdk.tools import SearchArguments, Tool, ToolFailed

__all__ = ["SEARCH", "Found", "find_context"]

SEARCH: Final = "web_search"
"""The tool whose results augment a conversation."""
SNIPPET_LENGTH: Final = 300


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found."""

    context: str | None
    """Text for a model; None for no results."""
    count: int


async def find_context(tools: Mapping[str, Tool], arguments: SearchArguments, now: datetime) -> Found:
    """Search with the configured tool. Raises ToolFailed."""
    tool = tools.get(SEARCH)
    if tool is None or not issubclass(tool.arguments, SearchArguments):
        raise ToolFailed("No search service is configured.", "configuration")
    outcome = await tool.run(msgspec.convert(arguments, tool.arguments, from_attributes=True))
    return Found(context=_context(outcome.result, now), count=len(outcome.result["results"]))


def _context(result: Mapping[str, Any], now: datetime) -> str | None:
    """Return a headed block: a summary where there is one, then numbered sources; None for no results."""
    if not result["results"]:
        return None
    lines = [f'Search results for "{result["query"]}" ({now:%Y-%m-%d}):']
    if result.get("answer"):
        lines += ["", f"Summary: {result['answer']}"]
    for number, hit in enumerate(result["results"], 1):
        lines += ["", f"[{number}] {hit['title']}", _snippet(hit["content"]), f"Source: {hit['url']}"]
    return "\n".join(lines)


def _snippet(content: str) -> str:
    text = " ".join(content.split())
    return text if len(text) <= SNIPPET_LENGTH else f"{text[: SNIPPET_LENGTH - 1]}\N{HORIZONTAL ELLIPSIS}"
