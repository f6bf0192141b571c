"""Where a request begins and ends, and who it is for: refused when two readers could disagree.

llhttp already refuses most ambiguous framing; what is checked here is checked for every server
(`stock` runs the same rules), on values that the parser has separated.
Source: RFC 9112 sections 2.2, 3, 6; RFC 9110 sections 7.2, 7.8, 10.1.1.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from gatewayz.server.refusal import Refusal

__all__ = ["METHODS", "Framing", "HostRule", "read_framing", "read_request_line"]

METHODS: Final = {name.encode(): name for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")}
"""Methods that reach the application."""

_VERSIONS: Final = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}
_VERSION: Final = re.compile(rb"HTTP/\d+(\.\d+)?")
_METHOD: Final = re.compile(rb"[A-Z][A-Z0-9_-]*")
_TARGET: Final = re.compile(rb"/[!\"$-~]*")  # visible ASCII without the fragment mark
_LENGTH: Final = re.compile(rb"\d{1,18}")
_LABEL: Final = rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rb"(" + _LABEL + rb"(?:\." + _LABEL + rb")*\.?|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_MAX_HOST_BYTES: Final = 259  # 253 of a name, and a port
_MAX_HOSTS_REMEMBERED: Final = 1024
_CRITICAL: Final = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"expect", b"connection", b"upgrade"},
)


class Framing(msgspec.Struct, frozen=True, gc=False):
    """What a head says about the message and the connection."""

    host: bytes | None
    length: int | None
    """Bytes of the body; None when no Content-Length was sent."""
    chunked: bool
    expects_continue: bool
    close: bool
    """The client will not send another request."""
    upgrade: bytes
    """Protocol asked for by Upgrade, lower case; empty when none."""


def read_request_line(line: bytes) -> tuple[str, bytes, str]:
    """Return method, target and version of a request line without its CRLF.

    Raises:
        Refusal: anything but `METHOD /target HTTP/1.x` with single spaces.
    """
    parts = line.split(b" ")
    if len(parts) != 3:
        raise Refusal(400, "The request line must be a method, a target and a version separated by single spaces.")
    method_bytes, target, version_bytes = parts
    version = _VERSIONS.get(version_bytes)
    if version is None:
        _refuse_version(method_bytes, version_bytes)
        raise Refusal(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    method = METHODS.get(method_bytes)
    if method is None:
        if method_bytes == b"CONNECT":
            raise Refusal(405, "CONNECT is not allowed.")
        if _METHOD.fullmatch(method_bytes):
            raise Refusal(501, "The request method is not known.")
        raise Refusal(400, "The request method must be an upper-case word.")
    if _TARGET.fullmatch(target) is None:
        raise Refusal(400, "The request target must be a path of visible ASCII characters.")
    return method, target, version


def _refuse_version(method: bytes, version: bytes) -> None:
    if method == b"PRI":
        raise Refusal(400, "HTTP/2 is not enabled on this port.")
    if _VERSION.fullmatch(version) is None:
        raise Refusal(400, "The request line does not end with an HTTP version.")


def read_framing(headers: Iterable[tuple[bytes, bytes]], version: str) -> Framing:
    """Return what the headers (names in lower case) say about framing.

    Raises:
        Refusal: lengths that contradict each other, codings other than chunked, repeated Host, unknown Expect.
    """
    host: bytes | None = None
    length: int | None = None
    upgrade = b""
    chunked = expects_continue = False
    close = version == "1.0"
    for name, value in headers:
        if name not in _CRITICAL:
            continue
        if name == b"host":
            if host is not None:
                raise Refusal(400, "The Host header was sent more than once.")
            host = value
        elif name == b"content-length":
            if length is not None:
                raise Refusal(400, "The Content-Length header was sent more than once.")
            length = _read_length(value)
        elif name == b"connection":
            close = close or b"close" in value.lower()
        elif name == b"transfer-encoding":
            if chunked or value.lower() != b"chunked" or version == "1.0":
                raise Refusal(400, "The only Transfer-Encoding accepted is a single `chunked` in HTTP/1.1.")
            chunked = True
        elif name == b"upgrade":
            upgrade = value.lower()
        else:
            if value.lower() != b"100-continue":
                raise Refusal(417, "The only expectation that can be met is 100-continue.")
            expects_continue = version != "1.0"
    if chunked and length is not None:
        raise Refusal(400, "Content-Length and Transfer-Encoding cannot be sent together.")
    return Framing(host, length, chunked, expects_continue, close, upgrade)


def _read_length(value: bytes) -> int:
    if _LENGTH.fullmatch(value) is None:
        raise Refusal(400, "Content-Length must be one decimal number.")
    return int(value)


class HostRule:
    """Which Host headers are answered; remembers the ones it has accepted."""

    __slots__ = ("_accepted", "_allowed")

    def __init__(self, allowed_hosts: Iterable[str] = ()) -> None:
        self._allowed = frozenset(name.lower().strip("[]").rstrip(".").encode() for name in allowed_hosts)
        self._accepted: set[bytes] = set()

    def check(self, host: bytes | None, version: str) -> None:
        """Let a good Host pass.

        Raises:
            Refusal: missing in HTTP/1.1, malformed, or none of the allowed names.
        """
        if host in self._accepted:
            return
        if host is None:
            if version == "1.0" and not self._allowed:
                return
            raise Refusal(400, "The Host header is missing.")
        match = _HOST.fullmatch(host) if len(host) <= _MAX_HOST_BYTES else None
        if match is None:
            raise Refusal(400, "The Host header is not a valid host name.")
        if self._allowed and match[1].lower().strip(b"[]").rstrip(b".") not in self._allowed:
            raise Refusal(400, "This host name is not served here.")
        if len(self._accepted) < _MAX_HOSTS_REMEMBERED:  # a flood of names must not fill memory
            self._accepted.add(host)
