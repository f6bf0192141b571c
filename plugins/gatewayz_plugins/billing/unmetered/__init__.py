"""Billing that keeps no balances: every call is let through and its cost is told. For gateways without accounts."""

from gatewayz.sdk.hookspecs import BillingRegister, hookimpl
from gatewayz_plugins.billing.unmetered.backend import UnmeteredBilling, UnmeteredSettings


@hookimpl
def gatewayz_register_billing(register: BillingRegister) -> None:
    """Offer the backend as `unmetered`."""
    register("unmetered", UnmeteredBilling, settings=UnmeteredSettings)
