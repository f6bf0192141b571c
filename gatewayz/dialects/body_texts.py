"""The texts of a call's body, in any of the JSON formats, taken out and put back.

What people, tools and models said is text wherever it stands: in `content`, `text`, `input`, `prompt`,
`system`, `instructions` and the like, in documents, in variables of prompts, in `arguments` of tool calls, and
every string and whole number inside of a tool's `input`. Names, ids, URLs, pictures and schemas are none of it;
nor are prompts of token numbers, and what a model thought under a signature.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

__all__ = ["texts_of", "with_texts"]

_TEXT: Final = frozenset(
    (
        "arguments",
        "content",
        "context",
        "input",
        "instructions",
        "output",
        "prompt",
        "reasoning_content",
        "refusal",
        "suffix",
        "system",
        "text",
        "title",
    )
)
_WALKED: Final = frozenset(
    (
        *_TEXT,
        "custom",
        "function",
        "function_call",
        "messages",
        "parts",
        "prediction",
        "source",
        "summary",
        "tool_calls",
        "variables",
    )
)
_TOOL_USE: Final = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))
Change = Callable[[str], str]


def with_texts(value: Any, change: Change) -> Any:
    """Return a decoded body with every text replaced by what `change` makes of it, in reading order."""
    if not isinstance(value, dict):
        return value
    return {name: _member(name, each, change) if name in _WALKED else each for name, each in value.items()}


def texts_of(value: Any) -> tuple[str, ...]:
    """Return the texts of a decoded body, in the order in which `with_texts` comes to them."""
    found: list[str] = []

    def note(text: str) -> str:
        found.append(text)
        return text

    with_texts(value, note)
    return tuple(found)


def _member(name: str, value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return _said(name, value, change) if name in _TEXT else value
    if isinstance(value, list):
        return [_member(name, each, change) for each in value]
    if not isinstance(value, dict):
        return value
    if name == "arguments":
        return _every(value, change)
    if name == "variables":
        return {each: _member("text", inner, change) for each, inner in value.items()}
    kind = value.get("type")
    if kind in _TOOL_USE:
        return {each: _every(inner, change) if each == "input" else inner for each, inner in value.items()}
    if name == "source" and kind == "text" and isinstance(value.get("data"), str):
        return {**value, "data": change(value["data"])}
    return with_texts(value, change)


def _said(name: str, value: str, change: Change) -> str:
    """Return a text; arguments of a tool call are JSON, whose strings are the texts, unless nested too deep."""
    if name != "arguments":
        return change(value)
    try:
        decoded = msgspec.json.decode(value)
        _every(decoded, str)
    except (msgspec.DecodeError, RecursionError):
        return change(value)
    changed = _every(decoded, change)
    return value if changed == decoded else msgspec.json.encode(changed).decode()


def _every(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, int) and not isinstance(value, bool):
        written = str(value)
        return value if (changed := change(written)) == written else changed
    if isinstance(value, list):
        return [_every(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _every(each, change) for name, each in value.items()}
    return value
