"""Embeddings by a provider whose format is not OpenAI's."""

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_embeddings import OPENAI_EMBEDDINGS_DIALECT, encoding_format_of
from gatewayz.flow.lanes import JSON
from gatewayz.flow.values import ParsedCall
from gatewayz.sdk.chat import Embeddings
from gatewayz.sdk.errors import UnsupportedFeature
from gatewayz.sdk.interfaces import Embedder, Provider
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import CallContext

__all__ = ["open_embeddings"]


class TranslatedEmbeddings:
    """Vectors, ready to be written in OpenAI's shape."""

    content_type = JSON
    dropped: tuple[str, ...] = ()

    def __init__(self, embeddings: Embeddings, call: ParsedCall) -> None:
        self._embeddings = msgspec.structs.replace(embeddings, model=call.model.id)
        self._encoding_format = encoding_format_of(call.head.fields)
        self.usage: Usage | None = embeddings.usage

    def text(self) -> str:
        """Nothing is written by an embedding."""
        return ""

    def render(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """The vectors in the encoding the caller asked for."""
        embeddings = msgspec.structs.replace(self._embeddings, usage=usage)
        return OPENAI_EMBEDDINGS_DIALECT.render_embeddings(
            embeddings, encoding_format=self._encoding_format, gateway_usage=gateway_usage
        )


async def open_embeddings(
    call: ParsedCall, body: bytes, offer: Offer, provider: Provider, context: CallContext
) -> TranslatedEmbeddings:
    """Return the vectors of one offer. Raises UpstreamError."""
    if not isinstance(provider, Embedder):
        raise UnsupportedFeature(f"provider '{offer.provider}' does not embed texts", param="model")
    embedding_call = OPENAI_EMBEDDINGS_DIALECT.parse_call(body, model=offer.upstream_model)
    return TranslatedEmbeddings(await provider.embed(embedding_call, context), call)
