"""Settings of the processor. The SDK is imported only when it is used: it takes 300 ms."""

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.payments import PaymentProcessor
from gatewayz.sdk.secret import Secret

__all__ = ["StripeSettings", "build_stripe"]


class StripeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Both secrets are needed; without a key the processor is off."""

    api_key: Secret = Secret("")
    webhook_secret: Secret = Secret("")
    """Signing secret of the webhook endpoint (`whsec_...`)."""
    base_url: str = "https://api.stripe.com"
    timeout_s: float = 20.0
    livemode: bool | None = None
    """Take only events of live (true) or test mode (false); null takes both."""

    def __post_init__(self) -> None:
        """Raise ValueError for a key without a webhook secret: anybody could then sign events."""
        if self.api_key and not self.webhook_secret.reveal().strip():
            raise ValueError("webhook_secret is empty: anybody could then sign events")

    def is_configured(self) -> bool:
        """Return whether there is a key."""
        return bool(self.api_key)


def build_stripe(settings: StripeSettings, context: PluginContext) -> PaymentProcessor:
    """Return the processor. Raises ConfigurationError: with an empty webhook secret anybody could sign events."""
    if not settings.webhook_secret.reveal().strip():
        raise ConfigurationError("payments.webhook_secret is empty: anybody could then sign events")
    from gatewayz_plugins.payments.stripe.processor import StripeProcessor  # noqa: PLC0415  (see above)

    return StripeProcessor(settings)
