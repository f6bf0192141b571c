"""Anthropic messages: both halves of the format.

`wire` the members · `head` the hot path and token counting · `incoming_call`, `outgoing_call`, `blocks`
calls · `completion` whole answers · `event_parser`, `event_renderer` streams.
"""

from gatewayz.dialects.anthropic_errors import render_error
from gatewayz.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES_DIALECT, AnthropicMessagesDialect
from gatewayz.dialects.anthropic_messages.head import prompt_texts

__all__ = ["ANTHROPIC_MESSAGES_DIALECT", "AnthropicMessagesDialect", "prompt_texts", "render_error"]
