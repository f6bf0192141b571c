"""Pictures by a provider whose format is not OpenAI's."""

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_images import OPENAI_IMAGES_DIALECT
from gatewayz.flow.lanes import JSON
from gatewayz.flow.values import ParsedCall
from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken
from gatewayz.sdk.images import Images
from gatewayz.sdk.interfaces import ImageGenerator, Provider
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import CallContext

__all__ = ["open_images"]


class TranslatedImages:
    """Pictures, ready to be written in OpenAI's shape."""

    content_type = JSON
    dropped: tuple[str, ...] = ()

    def __init__(self, images: Images, call: ParsedCall) -> None:
        self._images = msgspec.structs.replace(images, model=call.model.id)
        self.usage: Usage | None = msgspec.structs.replace(images.usage, images=len(images.images))

    def text(self) -> str:
        """Nothing is written by a picture."""
        return ""

    def render(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """The pictures as the provider gave them: addresses, or base64."""
        return OPENAI_IMAGES_DIALECT.render_images(self._images, gateway_usage=gateway_usage)


async def open_images(
    call: ParsedCall, body: bytes, offer: Offer, provider: Provider, context: CallContext
) -> TranslatedImages:
    """Return the pictures of one offer. Raises UpstreamError."""
    if not isinstance(provider, ImageGenerator):
        raise UnsupportedFeature(f"provider '{offer.provider}' does not make pictures", param="model")
    image_call = OPENAI_IMAGES_DIALECT.parse_call(body, model=offer.upstream_model)
    images = await provider.generate_images(image_call, context)
    if not images.images:
        raise UpstreamBroken("the provider answered no picture")
    return TranslatedImages(images, call)
