"""The application a call says it comes from: `HTTP-Referer` and `X-Title`, as OpenRouter's clients send them.

Both are the caller's own words, so they are kept short and plain. Of an address only its origin is taken: paths may
have secrets in them.
"""

import re
from typing import Final

from gatewayz.sdk.observe import App

__all__ = ["calling_app"]

_ORIGIN: Final = re.compile(r"(https?)://(?:[^/?#@\s]*@)?([a-z0-9.-]{1,100}(?::[0-9]{1,5})?)(?:[/?#]|$)", re.IGNORECASE)
_NAME_CHARACTERS: Final = 80


def calling_app(title: bytes | None, referrer: bytes | None) -> App | None:
    """Return the application, named by its host where it has no title; None when neither says anything usable."""
    found = None if referrer is None else _ORIGIN.match(referrer.decode("latin-1").strip())
    url = None if found is None else f"{found[1]}://{found[2]}".lower()
    name = "" if title is None else _plain(title)
    if not name and found is not None:
        name = found[2].lower()[:_NAME_CHARACTERS]
    return App(name=name, url=url) if name else None


def _plain(title: bytes) -> str:
    text = title[: _NAME_CHARACTERS * 4].decode("utf-8", "replace")
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:_NAME_CHARACTERS].strip()
