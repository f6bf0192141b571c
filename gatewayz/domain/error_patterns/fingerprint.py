"""What makes errors alike: their kind and place, not what they were about."""

import re
from hashlib import blake2b
from typing import Final

from gatewayz.domain.error_patterns.pattern import ErrorSeen

__all__ = ["fingerprint", "normalised"]

_MESSAGE_LIMIT: Final = 300
_PARTS: Final = (
    (re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", re.IGNORECASE), "<url>"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    (re.compile(r"\b(?:gw|sk|pk|rk|req|evt|cs|pi|chatcmpl|msg)_[\w-]+"), "<id>"),
    (re.compile(r"(?<![\w<])(?:~|\.{1,2})?/[\w.-]+(?:/[\w.-]+)+"), "<path>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4,12}){1,4}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?=[a-z]*\d)[0-9a-z]{16,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(?:\.\d+)*"), "<n>"),
)


def normalised(message: str) -> str:
    """Return a message without addresses, paths, ids and numbers, on one line of at most 300 characters."""
    line = " ".join(message.split())
    for pattern, word in _PARTS:
        line = pattern.sub(word, line)
    return line[:_MESSAGE_LIMIT]


def fingerprint(seen: ErrorSeen) -> str:
    """Return 32 characters that are the same for errors that are alike."""
    parts = (seen.error_type, seen.category, seen.provider, seen.model, seen.status, seen.message)
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()
