"""OpenID Connect: ID tokens of an issuer found by its discovery document.

Source: OpenID Connect Core 1.0 §3.1.3.7, Discovery 1.0 §4.
"""

import asyncio

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.identity import Identity
from gatewayz.sdk.key_set import KeySet, fetch_json

__all__ = ["OidcIdentity", "OidcSettings"]


class OidcSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tokens are taken."""

    issuer: str
    """Address of the issuer, as its tokens write it."""
    client_id: str
    """Audience of its tokens."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")

    def __post_init__(self) -> None:
        """Raise ValueError for algorithms that a public key could forge."""
        if not set(self.algorithms) <= {"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"}:
            raise ValueError("algorithms: only asymmetric ones")

    def is_configured(self) -> bool:
        """True when there are an issuer and a client."""
        return bool(self.issuer and self.client_id)


class OidcIdentity:
    """The provider."""

    def __init__(self, settings: OidcSettings, context: PluginContext) -> None:
        self._settings = settings
        self._context = context
        self._keys: KeySet | None = None
        self._discovering = asyncio.Lock()

    async def verify(self, token: str) -> Identity:
        """Return who the token is about. Raises AuthenticationFailed, UpstreamError."""
        keys = self._keys or await self._discover()
        claims = await keys.claims(token, issuer=self._settings.issuer, audience=self._settings.client_id)
        email = claims.get("email")
        name = claims.get("name")
        phone = claims.get("phone_number")
        return Identity(
            subject=claims["sub"],
            email=email if isinstance(email, str) else None,
            is_email_verified=isinstance(email, str) and claims.get("email_verified") is True,
            name=name if isinstance(name, str) else None,
            phone_number=phone if isinstance(phone, str) else None,
        )

    async def _discover(self) -> KeySet:
        async with self._discovering:
            if self._keys is None:
                self._keys = await self._find_keys()
            return self._keys

    async def _find_keys(self) -> KeySet:
        settings, context = self._settings, self._context
        url = f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await fetch_json(context.http, url)
        jwks_url = found.get("jwks_uri")
        if found.get("issuer") != settings.issuer or not isinstance(jwks_url, str):
            raise UpstreamBroken("the discovery document is not the issuer's")
        return KeySet(context.http, context.clock, jwks_url, settings.algorithms)
