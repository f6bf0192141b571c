"""Same-format relaying of OpenAI embeddings; vectors come back in the coding the caller asked for."""

from typing import Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_embeddings import convert_reply, encoding_format_of
from gatewayz.dialects.openai_usage import error_from_openai, usage_from_openai
from gatewayz.dialects.passthrough.contract import Members, StreamEditor, WholeReply, decode_members, encode_member
from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken
from gatewayz.sdk.wire import OPENAI_EMBEDDINGS

__all__ = ["OPENAI_EMBEDDINGS_PASSTHROUGH", "EmbeddingsPassthrough"]


class EmbeddingsPassthrough:
    """Edits for embeddings. SDKs ask for base64 unasked, some providers answer floats all the same."""

    format = OPENAI_EMBEDDINGS

    def edit_request(self, fields: Members, *, stream: bool) -> Members:
        """Return the members unchanged."""
        return fields

    def read_whole(self, body: bytes) -> WholeReply:
        """Return the members of an answer. Raises UpstreamError for an error body in a 200."""
        members = decode_members(body)
        if "data" not in members:
            raise error_from_openai(body) or UpstreamBroken("the provider's answer has no vectors")
        return WholeReply(members=members, usage=usage_from_openai(members.get("usage")))

    def delivered_text(self, body: bytes) -> str:
        """Nothing is written by an embedding."""
        return ""

    def render_whole(self, reply: WholeReply, *, request: Members, model: str, gateway_usage: GatewayUsage) -> bytes:
        """Return the answer with the canonical model, the gateway's usage, and vectors as asked for."""
        members = {**reply.members, "model": encode_member(model), "gateway_usage": encode_member(gateway_usage)}
        return convert_reply(msgspec.json.encode(members), encoding_format_of(request))

    def stream_editor(self, *, model: str, include_usage: bool, max_event_bytes: int) -> StreamEditor:
        """Embeddings are not streamed. Raises UnsupportedFeature."""
        raise UnsupportedFeature("embeddings are not streamed", param="stream")


OPENAI_EMBEDDINGS_PASSTHROUGH: Final = EmbeddingsPassthrough()
