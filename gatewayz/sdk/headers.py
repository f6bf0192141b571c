"""Header lines of a provider instance, made once so that a call builds none."""

from collections.abc import Mapping

from gatewayz import __version__
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import Headers

__all__ = ["HeaderSets", "header_bytes"]


def header_bytes(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    """Return configured header lines as they are sent. Raises ValueError when one could not be."""
    lines = []
    for name, value in headers.items():
        if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"not a header name: {name!r}")
        if not value.isascii() or any(character < " " or character == "\x7f" for character in value):
            raise ValueError(f"the value of header {name!r} has characters that cannot be sent")
        lines.append((name.lower().encode(), value.encode()))
    return tuple(lines)


class HeaderSets:
    """The finished header lines for each credential label.

    :param common: sent with every call beside content type and user agent; empty values are left out.
    :param header: carries the key, after `scheme`. No keys: no authentication.
    """

    __slots__ = ("_first", "_sets")

    def __init__(
        self,
        common: Mapping[str, str],
        keys: Mapping[str, Secret],
        *,
        header: str = "authorization",
        scheme: str = "Bearer ",
    ) -> None:
        kept = {name: value for name, value in common.items() if value}
        lines = header_bytes({"content-type": "application/json", "user-agent": f"gatewayz/{__version__}", **kept})
        self._sets: dict[str, Headers] = {
            label: (*lines, *header_bytes({header: scheme + key.reveal()})) for label, key in keys.items()
        }
        self._first: Headers = next(iter(self._sets.values()), lines)

    @property
    def first(self) -> Headers:
        """Lines with the first credential, for calls that belong to none."""
        return self._first

    def of(self, label: str) -> Headers:
        """Return the lines for a label; an unknown one gets the first credential."""
        return self._sets.get(label, self._first)
