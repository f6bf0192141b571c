"""May this caller make this call, and can it be paid for?"""

from gatewayz.domain.catalog.pricing import likely_cost
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.trials.gate import check_trial
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Admission, ParsedCall

__all__ = ["admit"]


async def admit(caller: Caller, call: ParsedCall, request_id: str, edition: Edition) -> Admission:
    """Return the admission: the likely cost is held before any provider is called.

    Raises PaymentRequired (402), StoreUnavailable (503).
    Source: design 4.
    """
    head = call.head
    output_tokens = head.max_output_tokens or call.model.default_output_tokens
    amount = likely_cost(call.model.offers, call.prompt_tokens, output_tokens, head.n)
    await check_trial(caller, call.model.id, edition.trial_gate, edition.settings.plans.trial)
    hold = await edition.billing.authorize(caller.user_id, amount, _key(caller, request_id))
    return Admission(hold=hold)


def _key(caller: Caller, request_id: str) -> str:
    """Return the key of the hold: callers may choose request ids, so each user has ids of its own."""
    return f"{caller.user_id or 0}:{request_id}"
