"""Google's generateContent, for upstreams (Gemini API and Vertex AI): `GEMINI_GENERATE_DIALECT`.

`render`, `contents`, `schema` the request · `answer`, `usage` what comes back. The model's id and whether
the answer is streamed (`:streamGenerateContent?alt=sse`) are in the URL, which providers build.
"""

from typing import Final

from gatewayz.dialects.gemini_generate.answer import GeminiReader, parse_completion
from gatewayz.dialects.gemini_generate.render import render_call
from gatewayz.dialects.gemini_generate.usage import usage_from_gemini
from gatewayz.sdk.chat import Completion, ModelCall
from gatewayz.sdk.dialect import Losses, Rendered
from gatewayz.sdk.wire import GEMINI_GENERATE, Format

__all__ = ["GEMINI_GENERATE_DIALECT", "GeminiGenerate", "usage_from_gemini"]


class GeminiGenerate:
    """An `UpstreamDialect`."""

    format: Format = GEMINI_GENERATE

    def render_call(self, call: ModelCall, *, model: str, losses: Losses) -> Rendered:
        """See `UpstreamDialect.render_call`."""
        return render_call(call, model=model, losses=losses)

    def parse_completion(self, body: bytes) -> Completion:
        """See `UpstreamDialect.parse_completion`. Raises ContentFiltered when the prompt was blocked."""
        return parse_completion(body)

    def event_parser(self) -> GeminiReader:
        """See `UpstreamDialect.event_parser`."""
        return GeminiReader()


GEMINI_GENERATE_DIALECT: Final = GeminiGenerate()
