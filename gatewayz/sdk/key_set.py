"""Public keys of a token issuer (JWKS), and tokens verified with them.

Keys are fetched by the gateway's own HTTP client and found by `kid`; what a token says of where its
keys are (`jku`, `x5u`, `jwk`) is never looked at. Source: RFC 7515, 7517, 8725.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
import msgspec

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import AuthenticationFailed, UpstreamBroken, UpstreamError, UpstreamUnreachable
from gatewayz.sdk.wire import HttpClient, HttpRequest, Timeouts, split_url

__all__ = ["LEEWAY_S", "TOKEN_LIMIT", "KeySet", "claims_of", "fetch_json", "token_refused"]

LEEWAY_S: Final = 30.0
"""How far the issuer's clock may be off."""
REFETCH_S: Final = 60.0
"""An unknown key id leads to a fetch at most this often."""
KEEP_S: Final = 3600.0
"""Keys older than this are fetched again, so that a withdrawn one ends."""
TOKEN_LIMIT: Final = 16_384
_ANSWER_LIMIT: Final = 256 * 1024
_TIMEOUTS: Final = Timeouts(connect_s=5.0, first_byte_s=5.0, idle_s=5.0, total_s=10.0)


class KeySet:
    """The keys of one address.

    :param algorithms: the only ones taken, whatever key or token says.
    """

    def __init__(self, http: HttpClient, clock: Clock, url: str, algorithms: Sequence[str]) -> None:
        self._http = http
        self._clock = clock
        self._url = url
        self._algorithms = tuple(algorithms)
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._lock = asyncio.Lock()

    async def claims(self, token: str, *, issuer: str, audience: str) -> dict[str, Any]:
        """Return the claims of a token with a good signature, issuer, audience and expiry.

        Raises AuthenticationFailed, UpstreamError (no keys can be had).
        """
        if len(token) > TOKEN_LIMIT:
            raise token_refused()
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError) as err:
            raise token_refused() from err
        kid = header.get("kid")
        if header.get("alg") not in self._algorithms or not isinstance(kid, str):
            raise token_refused()
        key = await self._find(kid)
        return claims_of(token, key, self._algorithms, issuer=issuer, audience=audience)

    async def _find(self, kid: str) -> jwt.PyJWK:
        async with self._lock:
            age_s = None if self._fetched_at is None else self._clock.monotonic() - self._fetched_at
            if age_s is None or age_s >= KEEP_S or (kid not in self._keys and age_s >= REFETCH_S):
                await self._fetch()
        if (key := self._keys.get(kid)) is None:
            raise token_refused()
        return key

    async def _fetch(self) -> None:
        asked = self._clock.monotonic()
        try:
            found = await fetch_json(self._http, self._url)
        except UpstreamError:
            if not self._keys:
                raise
            self._fetched_at = asked - KEEP_S + REFETCH_S  # the known keys go on; asked again in a minute
            return
        keys: dict[str, jwt.PyJWK] = {}
        listed = found.get("keys")
        for entry in listed if isinstance(listed, list) else []:
            if isinstance(entry, dict) and isinstance(kid := entry.get("kid"), str):
                try:
                    keys[kid] = jwt.PyJWK(entry)
                except jwt.PyJWTError:
                    continue  # a key of a kind we do not take: tokens signed with it are refused as unknown
        self._keys, self._fetched_at = keys, asked


def claims_of(
    token: str, key: jwt.PyJWK | str, algorithms: Sequence[str], *, issuer: str | None, audience: str | None
) -> dict[str, Any]:
    """Return the claims of a token; `exp` and `sub` must be there. Raises AuthenticationFailed."""
    require = ["exp", "sub", *(["iss"] if issuer else []), *(["aud"] if audience else [])]
    options: Any = {"require": require, "verify_aud": audience is not None}
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=list(algorithms), issuer=issuer, audience=audience, leeway=LEEWAY_S, options=options
        )
    except jwt.ExpiredSignatureError as err:
        raise AuthenticationFailed("The identity token has expired.", code="IDENTITY_TOKEN_EXPIRED") from err
    except (jwt.PyJWTError, ValueError, TypeError) as err:
        raise token_refused() from err
    if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= 255:
        raise token_refused()
    return claims


def token_refused() -> AuthenticationFailed:
    """Return the one answer to every token that is not good."""
    return AuthenticationFailed("The identity token is not valid.", code="INVALID_IDENTITY_TOKEN")


async def fetch_json(http: HttpClient, url: str) -> dict[str, Any]:
    """Return the JSON object at an address an operator configured. Raises UpstreamError."""
    origin, path = split_url(url)
    request = HttpRequest(
        origin=origin, target=(path or "/").encode(), headers=((b"accept", b"application/json"),), method=b"GET"
    )
    reply = await http.send(request, _TIMEOUTS)
    try:
        body = await reply.read_all(_ANSWER_LIMIT)
    finally:
        reply.close()
    if reply.status != 200:
        raise UpstreamUnreachable("the identity provider does not give out its keys", provider_status=reply.status)
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise UpstreamBroken("the identity provider's answer is not JSON") from err
    if not isinstance(found, dict):
        raise UpstreamBroken("the identity provider's answer is not an object")
    return found
