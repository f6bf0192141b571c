"""May this caller make this call, and can it be paid for?"""

from gatewayz.domain.catalog.pricing import likely_cost, likely_media_cost
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.limiter import Lease
from gatewayz.domain.limits.limits import Limits
from gatewayz.domain.trials.gate import check_trial
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Admission, Inbound, ParsedCall
from gatewayz.sdk.errors import PaymentRequired
from gatewayz.sdk.interfaces import Hold
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Offer

__all__ = ["admit"]

Offers = tuple[Offer, ...]


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
        hold, offers = await _hold(caller, call, inbound.request_id, edition)
    except BaseException:  # cancellation too: let go, then raise again
        if lease is not None:
            lease.release()
        if use is not None:
            use.cancel()
        raise
    if limits is None or lease is None:
        return Admission(hold=hold, offers=offers)
    return Admission(hold=hold, offers=offers, headers=limits.headers(lease), lease=lease)


async def _take(limits: Limits, caller: Caller, call: ParsedCall, inbound: Inbound, edition: Edition) -> Lease | None:
    if caller.is_anonymous:
        await limits.admit_anonymous(inbound.client_address, call.model.id)
        return None
    head = call.head
    if head.media is not None:
        return await limits.admit(caller, edition.plans.of(caller), call.prompt_tokens)
    output_tokens = head.max_output_tokens or call.model.default_output_tokens
    likely = call.prompt_tokens + min(output_tokens, call.model.default_output_tokens) * head.n
    return await limits.admit(caller, edition.plans.of(caller), likely)


async def _hold(caller: Caller, call: ParsedCall, request_id: str, edition: Edition) -> tuple[Hold, Offers]:
    """Return the hold and the offers it covers: all of the call's, or those of a router's choice that can be paid.

    Raises PaymentRequired for the offers of a model, and where the model that a router chose cannot be paid.
    """
    offers, key = call.model.offers, _key(caller, request_id)
    await check_trial(caller, call.model.id, edition.trial_gate, edition.settings.plans.trial)
    try:
        return await edition.billing.authorize(caller.user_id, _likely_cost(call, offers), key), offers
    except PaymentRequired:
        offers = () if call.choice is None else await _payable(caller, call, edition)
        if not offers:
            raise
    return await edition.billing.authorize(caller.user_id, _likely_cost(call, offers), key), offers


async def _payable(caller: Caller, call: ParsedCall, edition: Edition) -> Offers:
    """Return the offers of a choice that the caller can pay, in its order; none without one of the chosen model."""
    spendable: int | None = 0
    if caller.user_id is not None:
        spendable = await edition.billing.balance(caller.user_id)
    if spendable is None:
        return ()
    offers = tuple(offer for offer in call.model.offers if _likely_cost(call, (offer,)) <= spendable)
    return offers if offers and offers[0].model == call.model.offers[0].model else ()


def _likely_cost(call: ParsedCall, offers: Offers) -> Nano:
    if call.head.media is not None:
        return likely_media_cost(offers, call.head.media)
    output_tokens = call.head.max_output_tokens or call.model.default_output_tokens
    return likely_cost(offers, call.prompt_tokens, output_tokens, call.head.n)


def _key(caller: Caller, request_id: str) -> str:
    """Return the key of the hold: callers may choose request ids, so each user has ids of its own."""
    return f"{caller.user_id or 0}:{request_id}"
