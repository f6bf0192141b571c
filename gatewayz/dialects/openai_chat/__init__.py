"""OpenAI chat completions: both halves of the format.

`wire`, `reply_wire` the members · `head` the hot path · `request`, `incoming_messages`,
`outgoing_messages` calls · `completion` whole answers · `event_parser`, `event_renderer` streams.
"""

from gatewayz.dialects.openai_chat.dialect import OPENAI_CHAT_DIALECT, OpenAiChatDialect
from gatewayz.dialects.openai_errors import render_error

__all__ = ["OPENAI_CHAT_DIALECT", "OpenAiChatDialect", "render_error"]
