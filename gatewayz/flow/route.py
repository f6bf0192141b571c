"""Which offers, in which order, and why?"""

from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Admission, ParsedCall, Plan
from gatewayz.sdk.interfaces import RoutingCall

__all__ = ["route"]


def route(call: ParsedCall, admission: Admission, edition: Edition) -> Plan:
    """Return the offers of the call's model in the order the router ranks them; those of a choice keep its order.

    What the hold does not cover is left out.
    """
    if call.choice is not None:
        ranking, payable = call.choice.ranking, admission.offers
        too_dear = len(ranking.offers) - len(payable)
        reason = f"{ranking.reason}; the balance does not cover {too_dear} more" if too_dear else ranking.reason
        return Plan(offers=payable, reason=reason)
    head = call.head
    routing = RoutingCall(
        requested_model=head.model,
        model=call.model.id,
        prompt_tokens=call.prompt_tokens,
        max_output_tokens=head.max_output_tokens,
        needs=head.needs,
        stream=head.stream,
        affinity=head.affinity,
        opening=head.opening,
    )
    ranking = edition.router.rank(routing, call.model.offers, edition.signals)
    return Plan(offers=ranking.offers, reason=ranking.reason)
