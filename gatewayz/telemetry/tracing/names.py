"""Names of attributes. Source: OpenTelemetry semantic conventions for generative AI and HTTP, 1.37 (2025-08).

They are written here and not imported: the conventions' package renames what is still in development.
"""

from collections.abc import Mapping
from typing import Final

from gatewayz.sdk.wire import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    OPENAI_IMAGES,
    OPENAI_RESPONSES,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTIONS,
)

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"

METHOD: Final = "http.request.method"
STATUS: Final = "http.response.status_code"
PATH: Final = "url.path"
ERROR: Final = "error.type"

REQUEST_ID: Final = "gatewayz.request_id"
STREAM: Final = "gatewayz.stream"
OUTCOME: Final = "gatewayz.outcome"
ATTEMPTS: Final = "gatewayz.attempts"
REASON: Final = "gatewayz.route.reason"
FIRST_CONTENT_MS: Final = "gatewayz.first_content_ms"
USAGE_SOURCE: Final = "gatewayz.usage.source"
CHARGED_USD: Final = "gatewayz.charged_usd"

OPERATIONS: Final[Mapping[str, str]] = {
    OPENAI_CHAT: "chat",
    OPENAI_RESPONSES: "chat",
    ANTHROPIC_MESSAGES: "chat",
    OPENAI_COMPLETIONS: "text_completion",
    OPENAI_EMBEDDINGS: "embeddings",
    OPENAI_IMAGES: "generate_content",
    OPENAI_TRANSCRIPTIONS: "generate_content",
    OPENAI_SPEECH: "generate_content",
}
"""Wire format to what the conventions call the operation."""
