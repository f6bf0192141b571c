"""May this caller make this call, and can it be paid for?"""

from gatewayz.domain.catalog.pricing import likely_cost
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.limiter import Lease
from gatewayz.domain.limits.limits import Limits
from gatewayz.domain.trials.gate import check_trial
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Admission, Inbound, ParsedCall
from gatewayz.sdk.interfaces import Hold

__all__ = ["admit"]


async def admit(caller: Caller, call: ParsedCall, inbound: Inbound, edition: Edition) -> Admission:
    """Return the admission: limits are taken and the likely cost is held before any provider is called.

    Raises RateLimited (429), PaymentRequired (402), StoreUnavailable (503).
    Source: design 3, 4, 6.
    """
    limits, lease, use = edition.limits, None, None
    try:
        if edition.key_quota is not None:
            use = await edition.key_quota.take(caller)
        if limits is not None:
            lease = await _take(limits, caller, call, inbound, edition)
        hold = await _hold(caller, call, inbound.request_id, edition)
    except BaseException:  # cancellation too: let go, then raise again
        if lease is not None:
            lease.release()
        if use is not None:
            use.cancel()
        raise
    if limits is None or lease is None:
        return Admission(hold=hold)
    return Admission(hold=hold, headers=limits.headers(lease), lease=lease)


async def _take(limits: Limits, caller: Caller, call: ParsedCall, inbound: Inbound, edition: Edition) -> Lease | None:
    if caller.is_anonymous:
        await limits.admit_anonymous(inbound.client_address, call.model.id)
        return None
    head = call.head
    output_tokens = head.max_output_tokens or call.model.default_output_tokens
    likely = call.prompt_tokens + min(output_tokens, call.model.default_output_tokens) * head.n
    return await limits.admit(caller, edition.plans.of(caller), likely)


async def _hold(caller: Caller, call: ParsedCall, request_id: str, edition: Edition) -> Hold:
    head = call.head
    output_tokens = head.max_output_tokens or call.model.default_output_tokens
    amount = likely_cost(call.model.offers, call.prompt_tokens, output_tokens, head.n)
    await check_trial(caller, call.model.id, edition.trial_gate, edition.settings.plans.trial)
    return await edition.billing.authorize(caller.user_id, amount, _key(caller, request_id))


def _key(caller: Caller, request_id: str) -> str:
    """Return the key of the hold: callers may choose request ids, so each user has ids of its own."""
    return f"{caller.user_id or 0}:{request_id}"
