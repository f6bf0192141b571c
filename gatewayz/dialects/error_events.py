"""The one event that ends a broken stream, in each caller format. None of them looks like success."""

import msgspec

from gatewayz.dialects.anthropic_errors import anthropic_error
from gatewayz.dialects.openai_errors import openai_error
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_RESPONSES, Format

__all__ = ["render_error_event"]


def render_error_event(error: GatewayzError, format: Format, *, sequence_number: int = 0) -> bytes:
    """Return the error event of a format, for streams whose writer knows nothing else of the conversation.

    Chat and completions: a chunk with `error` and no `[DONE]`; messages: `event: error`; responses:
    an event of type `error`.

    :param sequence_number: of the event, where the format counts its events (responses).
    """
    if format == ANTHROPIC_MESSAGES:
        return b"event: error\ndata: " + msgspec.json.encode(anthropic_error(error)) + b"\n\n"
    shown = openai_error(error)
    if format == OPENAI_RESPONSES:
        event = {"type": "error", "code": shown["code"], "message": shown["message"], "param": shown["param"]}
        event |= {"sequence_number": sequence_number, "gateway_code": error.code}
        return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"
    return b"data: " + msgspec.json.encode({"error": shown}) + b"\n\n"
