"""What most formats share: the request goes as it came, the answer gets the gateway's two members."""

from collections.abc import Callable

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.passthrough.contract import (
    DeliveredText,
    Members,
    StreamEditor,
    WholeReply,
    encode_member,
)

__all__ = ["JsonPassthrough"]


class JsonPassthrough:
    """Edits of a format with JSON answers and event streams; a subclass says how answers are read."""

    def __init__(self, editor: Callable[..., StreamEditor]) -> None:
        self._editor = editor

    def edit_request(self, fields: Members, *, stream: bool) -> Members:
        """Return the members unchanged."""
        return fields

    def delivered_text(self, body: bytes) -> str:
        """Return the text of an answer, for counting."""
        return DeliveredText.of(body)

    def render_whole(self, reply: WholeReply, *, request: Members, model: str, gateway_usage: GatewayUsage) -> bytes:
        """Return the answer with the canonical model and the gateway's usage."""
        own = {"model": encode_member(model), "gateway_usage": encode_member(gateway_usage)}
        return msgspec.json.encode({**reply.members, **own})

    def stream_editor(self, *, model: str, include_usage: bool, max_event_bytes: int) -> StreamEditor:
        """Return an editor for one stream."""
        return self._editor(model=model, include_usage=include_usage, max_event_bytes=max_event_bytes)
