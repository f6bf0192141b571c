"""Identity tokens of Privy (ES256)."""

from gatewayz.sdk.hookspecs import IdentityRegister, hookimpl
from gatewayz_plugins.identity.privy.provider import PrivyIdentity, PrivySettings


@hookimpl
def gatewayz_register_identity(register: IdentityRegister) -> None:
    """Offer the provider as `privy`."""
    register("privy", PrivyIdentity, settings=PrivySettings)
