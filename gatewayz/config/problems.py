"""What is wrong with a configuration: every finding with its file, line and key path."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import msgspec

from gatewayz.sdk.errors import ConfigurationError

__all__ = [
    "ConfigurationInvalid",
    "KeyPath",
    "Place",
    "Problem",
    "did_you_mean",
    "key_text",
]

KeyPath = tuple[str | int, ...]
"""Keys from the top of the configuration: `("providers", "groq", "base_url")`."""


class Place(msgspec.Struct, frozen=True):
    """Where something is written; `line` counts from 1, 0 means that the source has no lines."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{_short(self.file)}:{self.line}" if self.line else _short(self.file)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One finding. Its text is `file:line: key.path: message`."""

    message: str
    path: KeyPath = ()
    place: Place | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        parts = [str(self.place)] if self.place else []
        if self.path:
            parts.append(key_text(self.path))
        return ": ".join([*parts, self.message])


class ConfigurationInvalid(ConfigurationError):
    """A configuration with errors; `problems` lists all that were found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def key_text(path: KeyPath) -> str:
    """Return a key path as people write it: `models.openai/gpt-4o.offers`, `server.trusted_proxies[0]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest known name, or an empty text."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _short(file: str) -> str:
    path = Path(file)
    if not path.is_absolute():
        return file
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return file
