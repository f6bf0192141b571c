"""The chat completions format as one object."""

from typing import Final

from gatewayz.dialects.caller import CallHead, GatewayUsage
from gatewayz.dialects.openai_chat import completion as completions
from gatewayz.dialects.openai_chat import head, request
from gatewayz.dialects.openai_chat.event_parser import ChatEventParser
from gatewayz.dialects.openai_chat.event_renderer import ChatEventRenderer
from gatewayz.dialects.sse import KEEP_ALIVE
from gatewayz.sdk.chat import Completion, ModelCall
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import OPENAI_CHAT

__all__ = ["OPENAI_CHAT_DIALECT", "OpenAiChatDialect"]


class OpenAiChatDialect:
    """Caller's and provider's half. See `caller.CallerDialect` and `sdk.dialect.UpstreamDialect`."""

    format = OPENAI_CHAT
    keep_alive = KEEP_ALIVE

    def read_head(self, body: bytes) -> CallHead:
        """Return what the gateway needs of a request. Raises InvalidRequest."""
        return head.read_head(body)

    def parse_call(self, body: bytes, *, model: str) -> ModelCall:
        """Return the call in core values. Raises InvalidRequest."""
        return request.parse_call(body, model=model)

    def render_completion(self, completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
        """Return a whole answer for the caller."""
        return completions.render_completion(completion, call=call, gateway_usage=gateway_usage)

    def event_renderer(self, *, model: str, call: ModelCall) -> ChatEventRenderer:
        """Return a writer for one stream."""
        return ChatEventRenderer(model=model, include_usage=call.include_usage)

    def render_call(self, call: ModelCall, *, model: str, losses: Losses) -> Rendered:
        """Return the request body for a provider. Raises UnsupportedFeature by way of `losses`."""
        return request.render_call(call, model=model, losses=losses)

    def parse_completion(self, body: bytes) -> Completion:
        """Return a provider's whole answer. Raises UpstreamBroken or the error it tells of."""
        return completions.parse_completion(body)

    def event_parser(self) -> ChatEventParser:
        """Return a reader for one stream."""
        return ChatEventParser()


OPENAI_CHAT_DIALECT: Final = OpenAiChatDialect()
