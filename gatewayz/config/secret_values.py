"""Which values of a configuration no log line may show.

Settings of plugins are not typed before the plugin is there, so names decide. They are fewer than those that `plan`
conceals: there a word too many does no harm, here it would be masked in every line.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["secret_values"]

_SECRET_NAME: Final = re.compile(
    r"(?:^|_)(?:keys?|secrets?|tokens?|passwords?|passwd|salt|credentials?|authorization|dsn)$", re.IGNORECASE
)
_URL_PASSWORD: Final = re.compile(r"://[^/@\s:]*:([^/@\s]+)@")
_SHORTEST: Final = 8
"""Shorter ones are ordinary words (`none`, `test`), which must stay readable."""


def secret_values(plain: Mapping[str, Any]) -> frozenset[str]:
    """Return the secret texts of a configuration as it was read (`Loaded.plain`), passwords of URLs among them."""
    found = _secrets(plain, is_secret=False)
    return frozenset(value for value in found if len(value) >= _SHORTEST and not any(map(str.isspace, value)))


def _secrets(value: Any, *, is_secret: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, held in value.items():
            yield from _secrets(held, is_secret=is_secret or _SECRET_NAME.search(str(name)) is not None)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _secrets(held, is_secret=is_secret)
    elif isinstance(value, str):
        if is_secret:
            yield value
        yield from _URL_PASSWORD.findall(value)
