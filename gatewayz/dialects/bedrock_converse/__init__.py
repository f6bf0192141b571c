"""Amazon Bedrock's Converse API, for upstreams: `BEDROCK_CONVERSE_DIALECT`.

`render`, `contents`, `families` the request · `answer`, `usage` what comes back · `errors` exceptions by
name. The model's id and whether the answer is streamed (`/converse`, `/converse-stream`) are in the URL,
which providers build and sign.
"""

from typing import Final

from gatewayz.dialects.bedrock_converse.answer import ConverseReader, parse_completion
from gatewayz.dialects.bedrock_converse.errors import error_from_exception
from gatewayz.dialects.bedrock_converse.render import render_call
from gatewayz.dialects.bedrock_converse.usage import usage_from_converse
from gatewayz.sdk.chat import Completion, ModelCall
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import BEDROCK_CONVERSE, Format

__all__ = ["BEDROCK_CONVERSE_DIALECT", "BedrockConverse", "error_from_exception", "usage_from_converse"]


class BedrockConverse:
    """An `UpstreamDialect`. Answers carry neither id nor model: both are empty."""

    format: Format = BEDROCK_CONVERSE

    def render_call(self, call: ModelCall, *, model: str, losses: Losses) -> Rendered:
        """See `UpstreamDialect.render_call`."""
        return render_call(call, model=model, losses=losses)

    def parse_completion(self, body: bytes) -> Completion:
        """See `UpstreamDialect.parse_completion`."""
        return parse_completion(body)

    def event_parser(self) -> ConverseReader:
        """See `UpstreamDialect.event_parser`; the stream is binary (`application/vnd.amazon.eventstream`)."""
        return ConverseReader()


BEDROCK_CONVERSE_DIALECT: Final = BedrockConverse()
