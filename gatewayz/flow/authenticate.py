"""Who is calling?"""

from gatewayz.domain.identity.caller import ANONYMOUS, Caller
from gatewayz.flow.edition import Edition
from gatewayz.sdk.errors import AuthenticationFailed

__all__ = ["authenticate"]


async def authenticate(credential: bytes | None, edition: Edition) -> Caller:
    """Return the caller. A key known to this process costs a dictionary look-up.

    Raises AuthenticationFailed (401) for a missing or invalid key, StoreUnavailable (503) when an
    unknown key cannot be looked up.
    Source: spec 00 §2; an invalid key is never anonymous (design 5).
    """
    if credential is None:
        if edition.settings.access.anonymous_inference:
            return ANONYMOUS
        raise AuthenticationFailed(
            "No API key was sent. Put it into the 'Authorization: Bearer ...' or 'x-api-key' header.",
            code="API_KEY_MISSING",
        )
    return edition.keys.cached(credential) or await edition.keys.load(credential)
