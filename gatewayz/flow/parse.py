"""What is asked for, and of which model?"""

from gatewayz.domain.usage.tokens import estimate_tokens
from gatewayz.flow.choose import choose
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Inbound, ParsedCall

__all__ = ["parse"]


def parse(inbound: Inbound, edition: Edition) -> ParsedCall:
    """Return the checked call with its model resolved.

    Raises InvalidRequest (400) naming the parameter, ModelNotFound (404) with near names,
    PricingMissing (422) for a model without a price, NoOfferLeft (503) for a router that no model suits.
    """
    head = edition.readers[inbound.format].read_head(inbound.body)
    if (pool := edition.pools.find(head.model)) is not None:
        return choose(inbound, head, pool, edition)
    return ParsedCall(
        format=inbound.format,
        head=head,
        model=edition.catalog.resolve(head.model, head.provider),
        prompt_tokens=estimate_tokens(head.prompt_characters),
    )
