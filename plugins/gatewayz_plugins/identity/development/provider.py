"""Tokens signed with a secret that both sides know."""

from typing import Final

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.identity import Identity
from gatewayz.sdk.key_set import TOKEN_LIMIT, claims_of, token_refused
from gatewayz.sdk.secret import Secret

__all__ = ["DevelopmentIdentity", "DevelopmentSettings"]

SECRET_BYTES: Final = 32


class DevelopmentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret; whoever has it can sign in as anybody."""

    secret: Secret
    issuer: str = ""
    """Empty: `iss` is not looked at."""
    audience: str = ""
    """Empty: `aud` is not looked at."""

    def __post_init__(self) -> None:
        """Raise ValueError for a secret that can be guessed."""
        if self.secret and len(self.secret.reveal().encode()) < SECRET_BYTES:
            raise ValueError(f"secret: at least {SECRET_BYTES} bytes")

    def is_configured(self) -> bool:
        """True when there is a secret."""
        return bool(self.secret)


class DevelopmentIdentity:
    """The provider."""

    def __init__(self, settings: DevelopmentSettings, context: PluginContext) -> None:
        self._settings = settings

    async def verify(self, token: str) -> Identity:
        """Return who the token is about. Raises AuthenticationFailed."""
        if len(token) > TOKEN_LIMIT:
            raise token_refused()
        settings = self._settings
        claims = claims_of(
            token,
            settings.secret.reveal(),
            ("HS256",),
            issuer=settings.issuer or None,
            audience=settings.audience or None,
        )
        email, name, phone = (claims.get(key) for key in ("email", "name", "phone_number"))
        return Identity(
            subject=claims["sub"],
            email=email if isinstance(email, str) else None,
            is_email_verified=isinstance(email, str) and claims.get("email_verified", True) is True,
            name=name if isinstance(name, str) else None,
            phone_number=phone if isinstance(phone, str) else None,
        )
