"""What is asked for, and of which model?"""

from gatewayz.domain.usage.tokens import estimate_tokens
from gatewayz.flow.audio import check_is_served
from gatewayz.flow.choose import choose
from gatewayz.flow.edition import Edition
from gatewayz.flow.media import priced_for
from gatewayz.flow.values import Inbound, ParsedCall

__all__ = ["parse"]


def parse(inbound: Inbound, edition: Edition) -> ParsedCall:
    """Return the checked call with its model resolved.

    Raises InvalidRequest (400) naming the parameter, ModelNotFound (404) with near names,
    PricingMissing (422) for a model without a price for what is asked,
    NoOfferLeft (503) for a router that no model suits, and for sound where nobody hears or speaks.
    """
    head = edition.readers[inbound.format].read_head(inbound.body)
    if (pool := edition.pools.find(head.model)) is not None:
        return choose(inbound, head, pool, edition)
    if head.media is not None:
        check_is_served(inbound.format, edition.providers.values())
    model = edition.catalog.resolve(head.model, head.provider)
    if head.media is not None or model.is_media_only:
        model = priced_for(model, head.media)
    return ParsedCall(
        format=inbound.format,
        head=head,
        model=model,
        prompt_tokens=estimate_tokens(head.prompt_characters),
    )
