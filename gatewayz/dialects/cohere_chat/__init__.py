"""Cohere's chat API, version 2, for upstreams: `COHERE_CHAT_DIALECT`.

`render` the request · `answer` what comes back, whole or streamed.
"""

from typing import Final

from gatewayz.dialects.cohere_chat.answer import CohereReader, parse_completion, usage_from_cohere
from gatewayz.dialects.cohere_chat.render import render_call
from gatewayz.sdk.chat import Completion, ModelCall
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import COHERE_CHAT, Format

__all__ = ["COHERE_CHAT_DIALECT", "CohereChat", "usage_from_cohere"]


class CohereChat:
    """An `UpstreamDialect`."""

    format: Format = COHERE_CHAT

    def render_call(self, call: ModelCall, *, model: str, losses: Losses) -> Rendered:
        """See `UpstreamDialect.render_call`."""
        return render_call(call, model=model, losses=losses)

    def parse_completion(self, body: bytes) -> Completion:
        """See `UpstreamDialect.parse_completion`. Cohere does not name the model: `model` is empty."""
        return parse_completion(body)

    def event_parser(self) -> CohereReader:
        """See `UpstreamDialect.event_parser`."""
        return CohereReader()


COHERE_CHAT_DIALECT: Final = CohereChat()
