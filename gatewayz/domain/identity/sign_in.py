"""From a verified identity, or a registration, to an account with a key. No HTTP.

Source: spec 03 §1; design 11; docs/decisions/0100-sign-in.md.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final, Protocol

from gatewayz.config.sections.access import MailDomains
from gatewayz.domain.identity.accounts import Accounts, KeyRequest, is_in_force
from gatewayz.domain.identity.mail_domains import is_of_domain
from gatewayz.sdk.errors import AuthenticationFailed, Conflict, InvalidRequest, PermissionRefused, UpstreamError
from gatewayz.sdk.identity import Identity, IdentityProvider
from gatewayz.sdk.secret import Secret
from gatewayz.store.profile_records import NewAccount, ProfileChanges, SignedIn
from gatewayz.store.records import User

__all__ = ["KEY_NAME", "SignIn", "SignUpStore", "token_hash", "verify_identity"]

KEY_NAME: Final = "Primary Key"
_USERNAME: Final = re.compile(r"[^a-z0-9._-]+")


class SignUpStore(Protocol):
    """What signing in needs of the store."""

    async def sign_in(self, provider: str, subject: str, account: NewAccount, now: datetime) -> SignedIn:
        """Return whose identity it is, made now when nobody's."""
        ...

    async def register(self, account: NewAccount, now: datetime) -> SignedIn:
        """Make an account. Raises Conflict."""
        ...

    async def change_profile(self, user_id: int, changes: ProfileChanges, now: datetime) -> None:
        """Change a profile."""
        ...


async def verify_identity(providers: Mapping[str, IdentityProvider], token: str | None) -> tuple[str, Identity]:
    """Return which provider vouches for a token, and for whom.

    Raises AuthenticationFailed when none does, UpstreamError when one that might could not be asked.
    """
    if not token:
        raise AuthenticationFailed("No identity token was sent.", code="IDENTITY_TOKEN_MISSING", param="token")
    refused: AuthenticationFailed | None = None
    trouble: UpstreamError | None = None
    for name, provider in providers.items():
        try:
            return name, await provider.verify(token)
        except AuthenticationFailed as err:
            refused = err
        except UpstreamError as err:
            trouble = err
    raise (
        trouble
        or refused
        or AuthenticationFailed(
            "No identity provider is configured that could verify the token.", code="INVALID_IDENTITY_TOKEN"
        )
    )


class SignIn:
    """The service.

    :param domains: mail domains that get no account, or a marked one.
    """

    def __init__(self, store: SignUpStore, accounts: Accounts, domains: MailDomains, now: datetime) -> None:
        self._store = store
        self._accounts = accounts
        self._domains = domains
        self._now = now

    async def enter(self, provider: str, identity: Identity, *, hint: str | None = None) -> SignedIn:
        """Return the account of an identity, made once.

        :param hint: an address the caller says is theirs; it is noted and leads nowhere.
        Raises InvalidRequest for a blocked mail domain, PermissionRefused for an account that is switched off.
        """
        email = identity.email or hint
        self._check_domain(email)
        entered = await self._store.sign_in(
            provider,
            identity.subject,
            NewAccount(
                username=_username(identity, email),
                email=email,
                is_email_verified=identity.is_email_verified and identity.email is not None,
                auth_method=identity.method,
                name=identity.name,
                phone_number=identity.phone_number,
                is_suspect=is_of_domain(email, self._domains.temporary),
            ),
            self._now,
        )
        if not entered.user.is_active:
            raise PermissionRefused("This account is switched off.", code="ACCOUNT_DISABLED")
        return entered

    async def register(self, username: str, email: str, auth_method: str) -> SignedIn:
        """Make an account for an address nobody has proved. Raises InvalidRequest, Conflict."""
        self._check_domain(email)
        account = NewAccount(
            username=username,
            must_keep_username=True,
            email=email,
            auth_method=auth_method,
            is_suspect=is_of_domain(email, self._domains.temporary),
        )
        return await self._store.register(account, self._now)

    async def primary_key(self, user: User, environment_tag: str, *, name: str = KEY_NAME) -> Secret:
        """Return the text of the primary key, of a new one where none is in force."""
        try:
            return await self._primary_key(user, environment_tag, name)
        except Conflict:  # a sign-in beside this one has just made it
            return await self._primary_key(user, environment_tag, name)

    async def _primary_key(self, user: User, environment_tag: str, name: str) -> Secret:
        keys = await self._accounts.list_keys(user.id, limit=1000)
        for key in keys:
            is_over = key.expires_at is not None and key.expires_at <= self._now
            if key.is_primary and is_in_force(key) and not is_over:
                return await self._accounts.reveal_key(user.id, key.id)
        taken = {key.name for key in keys}
        free = next(each for each in (name, *(f"{name} {n}" for n in range(2, len(keys) + 3))) if each not in taken)
        request = KeyRequest(name=free, environment_tag=environment_tag)
        return (await self._accounts.create_key(user.id, request, actor=f"user:{user.id}:sign-in", maker=None)).text

    def _check_domain(self, email: str | None) -> None:
        if is_of_domain(email, self._domains.blocked):
            raise InvalidRequest("Addresses of this mail domain get no account.", code="EMAIL_BLOCKED", param="email")


def _username(identity: Identity, email: str | None) -> str:
    if email is not None and (name := _USERNAME.sub("", email.partition("@")[0].lower())[:80]):
        return name
    digits = re.sub(r"\D", "", identity.phone_number or "")
    if len(digits) >= 4:
        return f"user_{digits[-4:]}"
    return f"user_{sha256(identity.subject.encode()).hexdigest()[:8]}"


def token_hash(token: str) -> bytes:
    """Return what is kept of a reset token."""
    return sha256(token.encode()).digest()
