"""The messages format as one object."""

from typing import Final

from gatewayz.dialects.anthropic_messages import completion as completions
from gatewayz.dialects.anthropic_messages import head, incoming_call, outgoing_call
from gatewayz.dialects.anthropic_messages.event_parser import MessageEventParser
from gatewayz.dialects.anthropic_messages.event_renderer import PING, MessageEventRenderer
from gatewayz.dialects.caller import CallHead, GatewayUsage
from gatewayz.sdk.chat import Completion, ModelCall
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["ANTHROPIC_MESSAGES_DIALECT", "AnthropicMessagesDialect"]


class AnthropicMessagesDialect:
    """Caller's and provider's half. See `caller.CallerDialect` and `sdk.dialect.UpstreamDialect`."""

    format = ANTHROPIC_MESSAGES
    keep_alive = PING

    def read_head(self, body: bytes) -> CallHead:
        """Return what the gateway needs of a request. Raises InvalidRequest."""
        return head.read_head(body)

    def parse_call(self, body: bytes, *, model: str) -> ModelCall:
        """Return the call in core values. Raises InvalidRequest."""
        return incoming_call.parse_call(body, model=model)

    def render_completion(self, completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
        """Return a whole answer for the caller."""
        return completions.render_completion(completion, call=call, gateway_usage=gateway_usage)

    def event_renderer(self, *, model: str, call: ModelCall) -> MessageEventRenderer:
        """Return a writer for one stream."""
        return MessageEventRenderer(model=model)

    def render_call(self, call: ModelCall, *, model: str, losses: Losses) -> Rendered:
        """Return the request body for a provider. Raises UnsupportedFeature by way of `losses`."""
        return outgoing_call.render_call(call, model=model, losses=losses)

    def parse_completion(self, body: bytes) -> Completion:
        """Return a provider's whole answer. Raises UpstreamBroken or the error it tells of."""
        return completions.parse_completion(body)

    def event_parser(self) -> MessageEventParser:
        """Return a reader for one stream."""
        return MessageEventParser()


ANTHROPIC_MESSAGES_DIALECT: Final = AnthropicMessagesDialect()
