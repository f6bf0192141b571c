"""Identity providers: who a token says somebody is."""

from typing import Protocol

import msgspec

__all__ = ["Identity", "IdentityProvider"]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified token says; nothing in it comes from anywhere else."""

    subject: str
    """The provider's id of the person; never given to another one."""
    email: str | None = None
    is_email_verified: bool = False
    """The provider vouches for the address: only then may it lead to an existing account."""
    method: str = "email"
    """email, phone, wallet, google, github, ..."""
    name: str | None = None
    phone_number: str | None = None


class IdentityProvider(Protocol):
    """Verifies tokens of one issuer."""

    async def verify(self, token: str) -> Identity:
        """Return who the token is about.

        Raises AuthenticationFailed for a token that is not this provider's, forged, or expired; UpstreamError
        when its keys cannot be had.
        """
        ...
