"""Calls for pictures and sound: which offers can be charged for them, and what they came to.

Such a call's head carries `media`, the most it can come to; conversations have none.
"""

import msgspec

from gatewayz.domain.catalog.catalog import Model
from gatewayz.sdk.errors import InvalidRequest, PricingMissing
from gatewayz.sdk.usage import Usage

__all__ = ["measured", "priced_for"]


def priced_for(model: Model, media: Usage | None) -> Model:
    """Return the model with the offers that have a price for what is asked: without one nothing is called.

    Raises PricingMissing for a model that makes such things and has no price for them, InvalidRequest
    for one that is not of that kind.
    """
    if media is None:
        raise _refusal(f"{model.id} is priced for pictures or sound only, it does not converse.", model)
    kept = tuple(offer for offer in model.offers if offer.price is not None and offer.price.covers(media))
    if kept:
        return model if len(kept) == len(model.offers) else msgspec.structs.replace(model, offers=kept)
    if media.images and not model.modality.endswith("image"):
        raise _refusal(f"{model.id} makes no pictures.", model)
    if not media.images and "audio" not in model.modality and "speech" not in model.modality:
        raise _refusal(f"{model.id} neither hears nor speaks.", model)
    raise PricingMissing(
        f"{model.id} has no price for what is asked of it.", param="model", context={"requested_model": model.id}
    )


def measured(usage: Usage, media: Usage) -> Usage:
    """Return what a provider counted, completed by what was asked: sizes it does not tell, never more than was held.

    A length of sound that the provider does not tell is the estimate, and marked so.
    """
    return msgspec.structs.replace(
        usage,
        images=min(usage.images, media.images),
        image_size=usage.image_size or media.image_size,
        image_quality=usage.image_quality or media.image_quality,
        audio_ms=usage.audio_ms or media.audio_ms,
        characters=usage.characters or media.characters,
        source="estimated" if media.audio_ms and not usage.audio_ms else usage.source,
    )


def _refusal(message: str, model: Model) -> InvalidRequest:
    return InvalidRequest(
        message,
        code="UNSUPPORTED_PARAMETER",
        param="model",
        context={"parameter_name": "model", "requested_model": model.id},
    )
