"""May this caller make this call, and can it be paid for?"""

from gatewayz.domain.catalog.pricing import likely_cost, likely_media_cost
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.limiter import Lease
from gatewayz.domain.trials.gate import check_trial
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Admission, Inbound, ParsedCall
from gatewayz.sdk.errors import PaymentRequired
from gatewayz.sdk.interfaces import Hold
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Offer

__all__ = ["admit", "hold_key"]

Offers = tuple[Offer, ...]


async def admit(
    caller: Caller, call: ParsedCall, inbound: Inbound, edition: Edition, *, known_cost: Nano | None = None
) -> Admission:
    """Return the admission: limits are taken and the likely cost is held before any provider is called.

    :param known_cost: of an answer that is here already: it is held in place of the likely cost, and no
        tokens are taken of limits.

    Raises RateLimited (429), PaymentRequired (402), StoreUnavailable (503).
    Source: design 3, 4, 6.
    """
    lease, use = None, None
    likely_tokens = _likely_tokens(call) if known_cost is None else 0
    try:
        if edition.key_quota is not None:
            use = await edition.key_quota.take(caller)
        lease = await _take(caller, call, inbound, edition, likely_tokens)
        hold, offers = await _hold(caller, call, inbound.request_id, edition, known_cost)
    except BaseException:  # cancellation too: let go, then raise again
        if lease is not None:
            lease.release()
        if use is not None:
            use.cancel()
        raise
    if edition.limits is None or lease is None:
        return Admission(hold=hold, offers=offers)
    return Admission(hold=hold, offers=offers, headers=edition.limits.headers(lease), lease=lease)


def _likely_tokens(call: ParsedCall) -> int:
    if call.head.media is not None:
        return call.prompt_tokens
    output_tokens = call.head.max_output_tokens or call.model.default_output_tokens
    return call.prompt_tokens + min(output_tokens, call.model.default_output_tokens) * call.head.n


async def _take(
    caller: Caller, call: ParsedCall, inbound: Inbound, edition: Edition, likely_tokens: int
) -> Lease | None:
    limits = edition.limits
    if limits is None:
        return None
    if caller.is_anonymous:
        await limits.admit_anonymous(inbound.client_address, call.model.id)
        return None
    return await limits.admit(caller, edition.plans.of(caller), likely_tokens)


async def _hold(
    caller: Caller, call: ParsedCall, request_id: str, edition: Edition, known_cost: Nano | None
) -> tuple[Hold, Offers]:
    """Return the hold and the offers it covers: all of the call's, or those of a router's choice that can be paid.

    Raises PaymentRequired for the offers of a model, and where the model that a router chose cannot be paid.
    """
    offers, key = call.model.offers, hold_key(caller.user_id, request_id)
    await check_trial(caller, call.model.id, edition.trial_gate, edition.settings.plans.trial)
    if known_cost is not None:
        return await edition.billing.authorize(caller.user_id, known_cost, key), offers
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


def hold_key(user_id: int | None, request_id: str) -> str:
    """Return the key of the hold: callers may choose request ids, so each user has ids of its own."""
    return f"{user_id or 0}:{request_id}"
