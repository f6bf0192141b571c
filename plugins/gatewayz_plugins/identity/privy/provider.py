"""Privy: identity tokens, and access tokens, which say less.

Source: Privy docs, "Identity tokens" and "Access tokens" (2026-11).
"""

from typing import Any, Final

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.identity import Identity
from gatewayz.sdk.key_set import KeySet, token_refused

__all__ = ["PrivyIdentity", "PrivySettings"]

_METHODS: Final = {"google_oauth": "google", "github_oauth": "github"}


class PrivySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which application's tokens are taken."""

    app_id: str
    """Audience of its tokens."""
    jwks_url: str = ""
    """Where its keys are; Privy's own address when empty."""
    issuer: str = "privy.io"

    def is_configured(self) -> bool:
        """True when there is an application."""
        return bool(self.app_id)


class _Account(msgspec.Struct, frozen=True, kw_only=True):
    type: str
    address: str | None = None
    email: str | None = None
    name: str | None = None
    phone_number: str | None = None


class PrivyIdentity:
    """The provider."""

    def __init__(self, settings: PrivySettings, context: PluginContext) -> None:
        self._settings = settings
        url = settings.jwks_url or f"https://auth.privy.io/api/v1/apps/{settings.app_id}/jwks.json"
        self._keys = KeySet(context.http, context.clock, url, ("ES256",))

    async def verify(self, token: str) -> Identity:
        """Return who the token is about. Raises AuthenticationFailed, UpstreamError."""
        claims = await self._keys.claims(token, issuer=self._settings.issuer, audience=self._settings.app_id)
        return _identity(claims["sub"], _accounts(claims.get("linked_accounts")))


def _accounts(claim: Any) -> list[_Account]:
    """Return the linked accounts; Privy writes them as a string of JSON."""
    try:
        if isinstance(claim, str):
            return msgspec.json.decode(claim, type=list[_Account])
        return msgspec.convert(claim or [], list[_Account])
    except msgspec.DecodeError as err:
        raise token_refused() from err


def _identity(subject: str, accounts: list[_Account]) -> Identity:
    # Privy links an address only after a code, or the other provider, has proved it.
    email = next((each.address if each.type == "email" else each.email for each in accounts if _email(each)), None)
    phone = next((each.phone_number for each in accounts if each.type == "phone"), None)
    kind = accounts[0].type if accounts else "email"
    return Identity(
        subject=subject,
        email=email,
        is_email_verified=email is not None,
        method=_METHODS.get(kind, kind),
        name=next((each.name for each in accounts if each.name), None),
        phone_number=phone,
    )


def _email(account: _Account) -> str | None:
    return account.address if account.type == "email" else account.email
