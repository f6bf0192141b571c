"""The texts of a call's body, in any of the JSON formats, taken out and put back.

What people, tools and models said is text wherever it stands: in `content`, `text`, `input`, `prompt`,
`system`, `instructions`, `arguments` of tool calls, and every string inside of a tool's `input`. Names,
ids, URLs, pictures and schemas are none of it.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

__all__ = ["texts_of", "with_texts"]

_TEXT: Final = frozenset(("content", "text", "input", "prompt", "system", "instructions", "arguments", "output"))
_WALKED: Final = frozenset((*_TEXT, "messages", "parts", "function", "tool_calls", "function_call", "summary"))
_TOOL_USE: Final = frozenset(("tool_use", "server_tool_use"))
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
    if value.get("type") in _TOOL_USE:
        return {each: _every(inner, change) if each == "input" else inner for each, inner in value.items()}
    return with_texts(value, change)


def _said(name: str, value: str, change: Change) -> str:
    """Return a text; the arguments of a tool call are JSON, whose strings are the texts."""
    if name != "arguments":
        return change(value)
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return change(value)
    changed = _every(decoded, change)
    return value if changed == decoded else msgspec.json.encode(changed).decode()


def _every(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_every(each, change) for each in value]
    if isinstance(value, dict):
        return {name: _every(each, change) for name, each in value.items()}
    return value
