"""Access tokens of a service account: a signed claim is exchanged for one, and kept until shortly before it ends.

Source: developers.google.com/identity/protocols/oauth2/service-account, "HTTP/REST", 2026-10.
"""

import asyncio
from typing import Final
from urllib.parse import urlencode

import jwt
import msgspec

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import (
    ConfigurationError,
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamUnreachable,
)
from gatewayz.sdk.wire import HttpClient, HttpRequest, Timeouts, split_url

__all__ = ["AccessTokens", "ServiceAccount", "read_service_account"]

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
LIFETIME_S: Final = 3600
EARLY_S: Final = 300.0
"""A token is renewed this long before it ends."""
ANSWER_LIMIT: Final = 64 * 1024
_TIMEOUTS: Final = Timeouts(connect_s=5, first_byte_s=10, idle_s=10, total_s=20)
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What of a JSON key is used; it does not print."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    project_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
    type: str = "service_account"

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email})"


class _Grant(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = LIFETIME_S


def read_service_account(text: bytes | str) -> ServiceAccount:
    """Return the service account of a JSON key. Raises ConfigurationError, which never quotes the key."""
    try:
        account = msgspec.json.decode(text, type=ServiceAccount)
        split_url(account.token_uri)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise ConfigurationError("the credentials are not the JSON key of a service account") from None
    if account.type != "service_account":
        raise ConfigurationError(f"credentials of type {account.type!r} are not supported, only service accounts")
    return account


class AccessTokens:
    """The current token of one account; callers that come while it is fetched wait for the same fetch."""

    def __init__(self, account: ServiceAccount, http: HttpClient, clock: Clock) -> None:
        self._account = account
        self._http = http
        self._clock = clock
        self._origin, path = split_url(account.token_uri)
        self._target = (path or "/").encode()
        self._token = ""
        self._renew_at = float("-inf")
        self._fetching: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """Return a token that is good for some minutes. Raises UpstreamError."""
        if self._token and self._clock.monotonic() < self._renew_at:
            return self._token
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch(), name="google-access-token")
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    async def aclose(self) -> None:
        """Stop a running fetch."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fetched(self, task: "asyncio.Task[str]") -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # seen by every caller that waits; none may be left

    async def _fetch(self) -> str:
        body = urlencode({"grant_type": _GRANT, "assertion": self._claim()}).encode()
        request = HttpRequest(
            origin=self._origin,
            target=self._target,
            headers=((b"content-type", b"application/x-www-form-urlencoded"),),
            body=body,
        )
        asked = self._clock.monotonic()
        grant = _read_grant(*await self._post(request))
        self._token = grant.access_token
        self._renew_at = asked + max(grant.expires_in - EARLY_S, 0.0)
        return self._token

    async def _post(self, request: HttpRequest) -> tuple[int, bytes]:
        try:
            reply = await self._http.send(request, _TIMEOUTS)
            try:
                return reply.status, await reply.read_all(ANSWER_LIMIT)
            finally:
                reply.close()
        except UpstreamError as err:
            raise UpstreamUnreachable("Google's token service does not answer") from err

    def _claim(self) -> str:
        account = self._account
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": now,
            "exp": now + LIFETIME_S,
        }
        headers = {"kid": account.private_key_id} if account.private_key_id else None
        try:
            return jwt.encode(claims, account.private_key, algorithm="RS256", headers=headers)
        except (ValueError, TypeError, jwt.PyJWTError):
            raise UpstreamAuthFailed("the service account's private key cannot sign") from None


def _read_grant(status: int, body: bytes) -> _Grant:
    if 400 <= status < 500:
        raise UpstreamAuthFailed("Google refused the service account", provider_status=status)
    try:
        grant = msgspec.json.decode(body, type=_Grant)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise UpstreamBroken("Google's token service answered no token", provider_status=status) from err
    if status != 200 or not grant.access_token.isascii() or not grant.access_token.isprintable():
        raise UpstreamBroken("Google's token service answered no token", provider_status=status)
    return grant
