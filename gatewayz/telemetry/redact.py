"""The one exit for text that leaves the process: secrets come out as `***`, and so does what looks like one."""

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["know_secrets", "redact"]

_CREDENTIALS: Final = re.compile(
    r"(?P<gateway>gw_(?:live|test|staging|dev)_)[A-Za-z0-9_-]{20,}"
    r"|(?P<vendor>\b(?:sk|rk|pk|whsec|gsk|xai|hf|r8|fw|csk|nvapi)[-_])[A-Za-z0-9_-]{16,}"
    r"|(?P<bearer>(?i:bearer)\s+)[A-Za-z0-9._~+/=-]{12,}"
    r"|(?P<google>\bAIza)[A-Za-z0-9_-]{30,}"
    r"|(?P<aws>\bAKIA)[A-Z0-9]{16}"
    r"|(?P<url>://[^/\s:@]*:)[^/\s@]+(?=@)"
)


class _Known:
    """Secrets of this process; those of earlier configurations stay secret."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.pattern: re.Pattern[str] | None = None

    def add(self, values: Iterable[str]) -> None:
        self.values.update(value for value in values if value)
        longest_first = sorted(self.values, key=len, reverse=True)
        self.pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


_known: Final = _Known()


def know_secrets(values: Iterable[str]) -> None:
    """Mask these values too from now on, whatever they look like."""
    _known.add(values)


def redact(text: str) -> str:
    """Return the text with API keys, bearer tokens, passwords in URLs and known secrets replaced by `***`."""
    if _known.pattern is not None:
        text = _known.pattern.sub("***", text)
    return _CREDENTIALS.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    prefix = next(group for group in found.groups() if group is not None)
    return prefix + "***"
