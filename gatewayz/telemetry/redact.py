"""The one exit for text that leaves the process: what looks like a credential comes out as `***`."""

import re
from typing import Final

__all__ = ["redact"]

_CREDENTIALS: Final = re.compile(
    r"(?P<gateway>gw_(?:live|test|staging|dev)_)[A-Za-z0-9_-]{20,}"
    r"|(?P<vendor>\b(?:sk|rk|pk|whsec|gsk|xai|hf|r8|fw|csk|nvapi)[-_])[A-Za-z0-9_-]{16,}"
    r"|(?P<bearer>(?i:bearer)\s+)[A-Za-z0-9._~+/=-]{12,}"
    r"|(?P<google>\bAIza)[A-Za-z0-9_-]{30,}"
    r"|(?P<aws>\bAKIA)[A-Z0-9]{16}"
    r"|(?P<url>://[^/\s:@]*:)[^/\s@]+(?=@)"
)


def redact(text: str) -> str:
    """Return the text with API keys, bearer tokens and passwords in URLs replaced by `***`."""
    return _CREDENTIALS.sub(_masked, text)


def _masked(found: re.Match[str]) -> str:
    prefix = next(group for group in found.groups() if group is not None)
    return prefix + "***"
