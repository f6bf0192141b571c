"""Tokens signed with a shared secret (HS256), for tests and single machines."""

from gatewayz.sdk.hookspecs import IdentityRegister, hookimpl
from gatewayz_plugins.identity.development.provider import DevelopmentIdentity, DevelopmentSettings


@hookimpl
def gatewayz_register_identity(register: IdentityRegister) -> None:
    """Offer the provider as `development`."""
    register("development", DevelopmentIdentity, settings=DevelopmentSettings)
