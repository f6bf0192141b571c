"""Limits that a route, or a step of a call, has of its own (`limits.endpoints`)."""

from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.edition import Edition

__all__ = ["check_endpoint"]


async def check_endpoint(name: str, caller: Caller, address: str, edition: Edition) -> None:
    """Count a use of what has a limit of its own. Raises RateLimited."""
    limits = edition.limits
    if limits is None:
        return
    scope = limits.rules.endpoints[name].scope
    subject = {"address": address, "user": f"u{caller.user_id}", "key": f"k{caller.key_id}"}[scope]
    await limits.take_endpoint(name, subject)
