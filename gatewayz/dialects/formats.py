"""The caller formats, by name: the only list of them."""

from collections.abc import Mapping
from typing import Final

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT
from gatewayz.dialects.caller import CallerDialect, HeadReader
from gatewayz.dialects.openai_audio import OPENAI_SPEECH_DIALECT, OPENAI_TRANSCRIPTIONS_DIALECT
from gatewayz.dialects.openai_chat import OPENAI_CHAT_DIALECT
from gatewayz.dialects.openai_completions import OPENAI_COMPLETIONS_DIALECT
from gatewayz.dialects.openai_embeddings import OPENAI_EMBEDDINGS_DIALECT
from gatewayz.dialects.openai_images import OPENAI_IMAGES_DIALECT
from gatewayz.dialects.openai_responses import OPENAI_RESPONSES_DIALECT
from gatewayz.dialects.passthrough.anthropic_messages import ANTHROPIC_MESSAGES_PASSTHROUGH
from gatewayz.dialects.passthrough.contract import Passthrough
from gatewayz.dialects.passthrough.openai_chat import OPENAI_CHAT_PASSTHROUGH, OPENAI_COMPLETIONS_PASSTHROUGH
from gatewayz.dialects.passthrough.openai_embeddings import OPENAI_EMBEDDINGS_PASSTHROUGH
from gatewayz.dialects.passthrough.openai_images import OPENAI_IMAGES_PASSTHROUGH
from gatewayz.dialects.passthrough.openai_responses import OPENAI_RESPONSES_PASSTHROUGH
from gatewayz.sdk.wire import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    OPENAI_IMAGES,
    OPENAI_RESPONSES,
    OPENAI_SPEECH,
    OPENAI_TRANSCRIPTIONS,
    Format,
)

__all__ = ["DIALECTS", "KEYED_FORMATS", "PASSTHROUGHS", "READERS"]

DIALECTS: Final[Mapping[Format, CallerDialect]] = {
    OPENAI_CHAT: OPENAI_CHAT_DIALECT,
    OPENAI_COMPLETIONS: OPENAI_COMPLETIONS_DIALECT,
    OPENAI_RESPONSES: OPENAI_RESPONSES_DIALECT,
    ANTHROPIC_MESSAGES: ANTHROPIC_MESSAGES_DIALECT,
}
"""Conversations, which can be translated."""

READERS: Final[Mapping[Format, HeadReader]] = {
    **DIALECTS,
    OPENAI_EMBEDDINGS: OPENAI_EMBEDDINGS_DIALECT,
    OPENAI_IMAGES: OPENAI_IMAGES_DIALECT,
    OPENAI_TRANSCRIPTIONS: OPENAI_TRANSCRIPTIONS_DIALECT,
    OPENAI_SPEECH: OPENAI_SPEECH_DIALECT,
}
"""Every format that callers may use."""

KEYED_FORMATS: Final = frozenset({OPENAI_IMAGES, OPENAI_TRANSCRIPTIONS, OPENAI_SPEECH})
"""Those that nobody may use without a key, whatever the model costs."""

PASSTHROUGHS: Final[Mapping[Format, Passthrough]] = {
    OPENAI_CHAT: OPENAI_CHAT_PASSTHROUGH,
    OPENAI_COMPLETIONS: OPENAI_COMPLETIONS_PASSTHROUGH,
    OPENAI_RESPONSES: OPENAI_RESPONSES_PASSTHROUGH,
    OPENAI_EMBEDDINGS: OPENAI_EMBEDDINGS_PASSTHROUGH,
    OPENAI_IMAGES: OPENAI_IMAGES_PASSTHROUGH,
    ANTHROPIC_MESSAGES: ANTHROPIC_MESSAGES_PASSTHROUGH,
}
"""Formats whose bytes can go straight through."""
