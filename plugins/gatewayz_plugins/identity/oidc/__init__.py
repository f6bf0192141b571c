"""Tokens of any OpenID Connect issuer."""

from gatewayz.sdk.hookspecs import IdentityRegister, hookimpl
from gatewayz_plugins.identity.oidc.provider import OidcIdentity, OidcSettings


@hookimpl
def gatewayz_register_identity(register: IdentityRegister) -> None:
    """Offer the provider as `oidc`."""
    register("oidc", OidcIdentity, settings=OidcSettings)
