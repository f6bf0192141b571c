"""Search results as text to put before a conversation. Source: spec 08 §3, spec 01 §1.7."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

__all__ = ["context_of"]

SNIPPET_LENGTH: Final = 300


def context_of(result: Mapping[str, Any], now: datetime) -> str | None:
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
