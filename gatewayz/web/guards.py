"""Who may call a route, as data. A route without a guard cannot be written down."""

import hmac
from typing import Final, Literal

from gatewayz.domain.identity.caller import ANONYMOUS, Caller
from gatewayz.flow.authenticate import authenticate
from gatewayz.flow.edition import Edition
from gatewayz.sdk.errors import AuthenticationFailed, PermissionRefused

__all__ = ["AccessGroup", "Guard", "enforce"]

Guard = Literal["public", "optional", "user", "admin", "admin_key", "operator"]
"""`public`: anybody, keys are not looked at · `optional`: anybody, but a key that is sent must be valid ·
`user`: a valid key · `admin`: a key whose owner is an administrator · `admin_key`: the environment's
ADMIN_API_KEY · `operator`: as the route's access group says in the `access:` block, public or admin."""

AccessGroup = Literal["circuit_breakers", "metrics", "error_monitor"]

_MIN_ADMIN_KEY_LENGTH: Final = 10


async def enforce(guard: Guard, group: AccessGroup | None, credential: bytes | None, edition: Edition) -> Caller:
    """Return the caller, ANONYMOUS where none is needed. Raises AuthenticationFailed, PermissionRefused.

    Source: spec 00 §2, design 5.
    """
    match guard:
        case "public":
            return ANONYMOUS
        case "optional":
            return ANONYMOUS if credential is None else await authenticate(credential, edition)
        case "user":
            return await _authenticated(credential, edition)
        case "admin":
            return await _administrator(credential, edition)
        case "admin_key":
            if not is_admin_key(credential, edition):
                raise AuthenticationFailed("This route needs the gateway's admin key.")
            return ANONYMOUS
        case "operator":
            openness = "admin" if group is None else getattr(edition.settings.access, group)
            return ANONYMOUS if openness == "public" else await _administrator(credential, edition)


def is_admin_key(credential: bytes | None, edition: Edition) -> bool:
    """Return whether the credential is the environment's admin key, compared in constant time."""
    expected = edition.settings.access.admin_api_key.reveal().encode()
    return (
        credential is not None and len(expected) >= _MIN_ADMIN_KEY_LENGTH and hmac.compare_digest(credential, expected)
    )


async def _authenticated(credential: bytes | None, edition: Edition) -> Caller:
    caller = ANONYMOUS if credential is None else await authenticate(credential, edition)
    if caller.is_anonymous:
        raise AuthenticationFailed("No API key was sent.", code="API_KEY_MISSING")
    return caller


async def _administrator(credential: bytes | None, edition: Edition) -> Caller:
    if is_admin_key(credential, edition):
        return ANONYMOUS
    caller = await _authenticated(credential, edition)
    if not caller.is_admin:
        raise PermissionRefused("This route is for administrators.")
    return caller
