"""The ASGI scope of one request."""

from typing import Any, Final
from urllib.parse import unquote_to_bytes

from gatewayz.server.asgi import HANGUP, Hangup, RawHeaders, Scope

__all__ = ["Address", "build_scope"]

Address = tuple[str, int] | None

_ASGI: Final = {"version": "3.0", "spec_version": "2.4"}


def build_scope(
    *,
    method: str,
    target: bytes,
    version: str,
    headers: RawHeaders,
    client: Address,
    server: Address,
    state: dict[str, Any],
    hangup: Hangup,
) -> Scope:
    """Return the scope; bytes of the path that are not UTF-8 become U+FFFD in `path` and stay in `raw_path`."""
    raw_path, _, query = target.partition(b"?")
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace") if b"%" in raw_path else raw_path.decode("ascii")
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": version,
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": client,
        "server": server,
        "state": state.copy(),
        "extensions": {HANGUP: hangup},
    }
