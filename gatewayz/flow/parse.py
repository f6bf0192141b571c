"""What is asked for, and of which model?"""

from gatewayz.domain.usage.tokens import estimate_tokens
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Inbound, ParsedCall

__all__ = ["parse"]


def parse(inbound: Inbound, edition: Edition) -> ParsedCall:
    """Return the checked call with its model resolved.

    Raises InvalidRequest (400) naming the parameter, ModelNotFound (404) with near names,
    PricingMissing (422) for a model without a price.
    """
    head = edition.readers[inbound.format].read_head(inbound.body)
    return ParsedCall(
        format=inbound.format,
        head=head,
        model=edition.catalog.resolve(head.model, head.provider),
        prompt_tokens=estimate_tokens(head.prompt_characters),
    )
