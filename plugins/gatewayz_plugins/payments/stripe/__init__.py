"""Payments by Stripe."""

from gatewayz.sdk.hookspecs import PaymentsRegister, hookimpl
from gatewayz_plugins.payments.stripe.settings import StripeSettings, build_stripe


@hookimpl
def gatewayz_register_payments(register: PaymentsRegister) -> None:
    """Offer the processor as `stripe`."""
    register("stripe", build_stripe, settings=StripeSettings)


__all__ = ["StripeSettings"]
