"""Billing by prepaid credit: trial, allowance and purchased credit in the gateway's own ledger."""

from gatewayz.sdk.hookspecs import BillingRegister, hookimpl
from gatewayz_plugins.billing.credits.backend import CreditsBilling, CreditsSettings, build_credits


@hookimpl
def gatewayz_register_billing(register: BillingRegister) -> None:
    """Offer the backend as `credits`."""
    register("credits", build_credits, settings=CreditsSettings)


__all__ = ["CreditsBilling"]
