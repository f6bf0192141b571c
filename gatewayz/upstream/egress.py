"""Fetching what callers and operators name: images, webhooks, key sets.

The address is resolved once, checked, and connected to; only public unicast addresses pass unless
the network is allowed. Redirects are refused, or followed with the same checks. No credential of a
provider ever travels here. Source: design 5, docs/decisions/0018.
"""

import asyncio
import ipaddress
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from gatewayz.sdk.errors import InvalidRequest, UpstreamError
from gatewayz.sdk.wire import Headers, HttpReply, HttpRequest, Origin, Timeouts
from gatewayz.upstream.engine import Engine
from gatewayz.upstream.limits import Limits
from gatewayz.upstream.resolver import Address, Resolver, ask_system_in

__all__ = ["EgressRefused", "EgressRules", "FetchFailed", "Fetched", "Fetcher", "is_public"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
MAX_URL_LENGTH: Final = 8192
_LOOK_UPS: Final = 4
"""Names that are looked up at a time."""


class EgressRefused(InvalidRequest):
    """The URL leads where the gateway does not go."""

    default_code = "URL_NOT_ALLOWED"


class FetchFailed(InvalidRequest):
    """The URL may be fetched and could not be."""

    default_code = "URL_NOT_FETCHED"


class EgressRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a fetch may do."""

    schemes: tuple[str, ...] = ("https", "http")
    allowed_networks: tuple[str, ...] = ()
    """CIDR ranges that are reached although they are not public."""
    max_redirects: int = 0
    max_bytes: int = 20 * 1024 * 1024
    timeout_s: float = 10.0
    """For the whole fetch, redirects included."""


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """A complete answer."""

    url: str
    """Where it came from in the end."""
    status: int
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """Return the first value of a header, named in lower case."""
        return next((value for key, value in self.headers if key == name), None)


class Fetcher:
    """Fetches foreign URLs over connections of its own. One per set of rules."""

    def __init__(self, rules: EgressRules | None = None, *, ca_file: str | None = None) -> None:
        self._rules = rules or EgressRules()
        self._allowed = tuple(ipaddress.ip_network(network) for network in self._rules.allowed_networks)
        # Of its own: whoever names slow name servers must not fill the threads that providers are looked up in.
        self._threads = ThreadPoolExecutor(_LOOK_UPS, thread_name_prefix="foreign-names")
        self._resolver = Resolver(check=self._check, look_up=ask_system_in(self._threads))
        self._engine = Engine(
            Limits(max_connections=20, keep_alive_s=5.0),
            ca_file=ca_file,
            resolver=self._resolver,
        )

    async def fetch(
        self, url: str, *, method: str = "GET", headers: Headers = (), body: bytes = b"", max_bytes: int | None = None
    ) -> Fetched:
        """Return the answer, whatever its status.

        Raises EgressRefused (scheme, address, redirect) and FetchFailed (network, time, size).
        """
        limit = self._rules.max_bytes if max_bytes is None else min(max_bytes, self._rules.max_bytes)
        try:
            async with asyncio.timeout(self._rules.timeout_s):
                return await self._follow(url, method.encode("ascii"), headers, body, limit)
        except TimeoutError as error:
            raise FetchFailed("the URL did not answer in time") from error
        except UnicodeError as error:
            raise EgressRefused("not a host name") from error
        except UpstreamError as error:
            raise FetchFailed(f"the URL could not be fetched: {_reason(error)}") from error

    async def check(self, url: str) -> None:
        """Raise EgressRefused for a URL that would not be fetched now.

        A name that nobody knows (yet) passes. This is a courtesy to who types the URL: `fetch` checks again.
        """
        try:
            origin, _ = self._split(url)
            async with asyncio.timeout(self._rules.timeout_s):
                await self._resolver.resolve(origin.host)
        except UnicodeError as error:
            raise EgressRefused("not a host name") from error
        except (OSError, TimeoutError):
            return

    async def aclose(self) -> None:
        """Close every connection; names that are being looked up are not waited for."""
        await self._engine.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _follow(self, url: str, method: bytes, headers: Headers, body: bytes, limit: int) -> Fetched:
        timeouts = Timeouts(connect_s=5.0, first_byte_s=self._rules.timeout_s, total_s=self._rules.timeout_s)
        for _ in range(self._rules.max_redirects + 1):
            origin, target = self._split(url)
            request = HttpRequest(origin=origin, target=target, headers=headers, body=body, method=method)
            reply: HttpReply = await self._engine.send(request, timeouts)
            try:
                location = _location(reply)
                if location is None:
                    answer = await reply.read_all(limit)
                    return Fetched(url=url, status=reply.status, headers=reply.headers, body=answer)
            finally:
                reply.close()
            target_url = urljoin(url, location)
            if reply.status == 303 or (reply.status in (301, 302) and method == b"POST"):
                method, body = b"GET", b""
            if self._split(target_url)[0] != origin:
                headers = ()
            url = target_url
        raise EgressRefused("the URL redirects elsewhere")

    def _split(self, url: str) -> tuple[Origin, bytes]:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise EgressRefused("not a URL") from error
        if len(url) > MAX_URL_LENGTH or not url.isascii() or any(mark <= " " or mark == "\x7f" for mark in url):
            raise EgressRefused("not a URL")
        if parts.scheme not in self._rules.schemes or not host or "@" in parts.netloc:
            raise EgressRefused(f"only {' and '.join(self._rules.schemes)} URLs without a user are fetched")
        origin = Origin(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))
        target = parts.path or "/"
        return origin, (f"{target}?{parts.query}" if parts.query else target).encode("ascii")

    def _check(self, address: Address) -> None:
        if not is_public(address) and not _is_in(address, self._allowed):
            raise EgressRefused("the URL leads to an address that is not public")


def is_public(address: Address) -> bool:
    """True for a global unicast address, looking through IPv4 embedded in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64_LOCAL or address in COMPATIBLE or address.is_site_local:
            return False
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _location(reply: HttpReply) -> str | None:
    if reply.status not in REDIRECTS:
        return None
    for name, value in reply.headers:
        if name == b"location":
            return value.decode("latin-1")
    return None


def _reason(error: UpstreamError) -> str:
    # The classes of the network, in words that do not map the inside for whoever asked.
    return error.type.replace("_", " ")
