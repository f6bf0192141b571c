"""OpenAI's Responses API, for callers and for upstreams: `OPENAI_RESPONSES_DIALECT`.

`wire` the request's types · `head`, `request` reading it · `render` writing it to an upstream ·
`response` whole answers · `writer`, `reader` streams · `output`, `tools`, `usage`, `freeform`, `seal`
the parts both directions share.
"""

from typing import Final

from gatewayz.dialects.caller import CallHead, GatewayUsage
from gatewayz.dialects.openai_responses import head, render, request, response
from gatewayz.dialects.openai_responses.reader import ResponseReader
from gatewayz.dialects.openai_responses.usage import usage_from_responses
from gatewayz.dialects.openai_responses.writer import ResponseWriter
from gatewayz.dialects.sse import KEEP_ALIVE
from gatewayz.sdk.chat import Completion, ModelCall
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import OPENAI_RESPONSES, Format

__all__ = ["OPENAI_RESPONSES_DIALECT", "OpenAiResponses", "usage_from_responses"]


class OpenAiResponses:
    """Both halves of the format: a `CallerDialect` and an `UpstreamDialect`."""

    format: Format = OPENAI_RESPONSES
    keep_alive: bytes = KEEP_ALIVE

    def read_head(self, body: bytes) -> CallHead:
        """See `CallerDialect.read_head`."""
        return head.read_head(body)

    def parse_call(self, body: bytes, *, model: str) -> ModelCall:
        """See `CallerDialect.parse_call`. Also raises for what needs OpenAI's storage (`previous_response_id`)."""
        return request.parse_call(body, model=model)

    def render_completion(self, completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
        """See `CallerDialect.render_completion`."""
        return response.render_completion(completion, call=call, gateway_usage=gateway_usage)

    def event_renderer(self, *, model: str, call: ModelCall) -> ResponseWriter:
        """See `CallerDialect.event_renderer`."""
        return ResponseWriter(model=model, call=call)

    def render_call(self, call: ModelCall, *, model: str, losses: Losses) -> Rendered:
        """See `UpstreamDialect.render_call`."""
        return render.render_call(call, model=model, losses=losses)

    def parse_completion(self, body: bytes) -> Completion:
        """See `UpstreamDialect.parse_completion`."""
        return response.parse_completion(body)

    def event_parser(self) -> ResponseReader:
        """See `UpstreamDialect.event_parser`."""
        return ResponseReader()


OPENAI_RESPONSES_DIALECT: Final = OpenAiResponses()
