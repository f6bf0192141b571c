"""A `router:` name becomes models: which may answer, in the order to try. Other calls never see this file."""

from typing import Final

from gatewayz.dialects.caller import CallHead
from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.routing.pools import Pool
from gatewayz.domain.usage.tokens import estimate_tokens
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Choice, Inbound, ParsedCall
from gatewayz.sdk.chat import Message, Text
from gatewayz.sdk.errors import InvalidRequest, NoOfferLeft
from gatewayz.sdk.interfaces import RoutingCall

__all__ = ["choose"]

_IMAGE_TOKENS: Final = 1000
"""What a picture is taken to fill of a context, when it is asked whether the prompt fits."""


def choose(inbound: Inbound, head: CallHead, pool: Pool, edition: Edition) -> ParsedCall:
    """Return the call with the offers of the models its router chose, the router's name in place of a model's.

    The hold then covers the dearest of them that the caller can pay, and dispatch goes along them (decision 0137).
    Raises InvalidRequest for a format without conversations, NoOfferLeft (503) saying what left no model.
    """
    dialect = edition.dialects.get(inbound.format)
    if dialect is None:
        raise InvalidRequest("A router chooses models for conversations only.", param="model")
    prompt_tokens = estimate_tokens(head.prompt_characters)
    messages = dialect.parse_call(inbound.body, model=head.model).messages
    said = [text for message in messages if message.role == "user" and (text := _text(message))]
    started = edition.clock.monotonic()
    routing = RoutingCall(
        requested_model=head.model,
        model=pool.name,
        mode=pool.mode,
        prompt_tokens=prompt_tokens + head.images * _IMAGE_TOKENS,
        max_output_tokens=head.max_output_tokens,
        needs=head.needs,
        stream=head.stream,
        affinity=head.affinity,
        prompt=said[-1] if said else "",
        opening=said[0] if said else "",
        messages=len(messages),
        user_messages=len(said),
        provider=None if head.provider is None else edition.catalog.provider_named(head.provider),
        price_cap=head.extensions.get("max_price"),
    )
    ranking = pool.router.rank(routing, edition.pools.offers(edition.catalog), edition.signals)
    took_ms = (edition.clock.monotonic() - started) * 1000.0
    if not ranking.offers:
        raise NoOfferLeft(
            f"{pool.name}: no model is eligible: {ranking.reason}", context={"requested_model": head.model}
        )
    models = [model for offer in ranking.offers if (model := edition.catalog.find(offer.model)) is not None]
    return ParsedCall(
        format=inbound.format,
        head=head,
        model=Model(
            id=pool.name,
            name=pool.name,
            offers=ranking.offers,
            default_output_tokens=max(model.default_output_tokens for model in models),
        ),
        prompt_tokens=prompt_tokens,
        choice=Choice(hears=pool.hears, call=routing, ranking=ranking, took_ms=took_ms),
    )


def _text(message: Message) -> str:
    return "\n".join(part.text for part in message.parts if isinstance(part, Text))
