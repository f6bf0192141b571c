"""The whole provider: four methods and one property in the core's own values."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from gatewayz.sdk.chat import Choice, Completion, Event, ModelCall, Text
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.events import events_of
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import ModelListing
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import CallContext

__all__ = ["EchoProvider", "EchoSettings"]


class EchoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: echo`."""

    prefix: str = ""
    """Put before every answer, to tell instances apart."""


class EchoProvider:
    """Answers with the text of the last user message; one word is one token."""

    capabilities = Capabilities()

    def __init__(self, settings: EchoSettings, context: PluginContext) -> None:
        self._settings = settings
        self._clock = context.clock

    async def complete(self, call: ModelCall, context: CallContext) -> Completion:
        """Return the echo."""
        texts = [_text(message.parts) for message in call.messages]
        said = [text for text, message in zip(texts, call.messages, strict=True) if message.role == "user"]
        words = (self._settings.prefix + (said[-1] if said else "")).split(" ")
        kept = words[: call.max_tokens]
        return Completion(
            id=f"echo-{context.request_id}",
            model=call.model,
            created=int(self._clock.now().timestamp()),
            choices=(
                Choice(
                    parts=(Text(text=" ".join(kept)),),
                    finish_reason="stop" if len(kept) == len(words) else "length",
                ),
            ),
            usage=Usage(input_tokens=sum(len(text.split(" ")) for text in texts), output_tokens=len(kept)),
        )

    async def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Event]:
        """Yield the echo as the events of one answer."""
        for event in events_of(await self.complete(call, context)):
            yield event

    async def list_models(self) -> Sequence[ModelListing]:
        """Return the one model it has."""
        return (ModelListing(id="echo", name="Echo"),)

    async def aclose(self) -> None:
        """Nothing is open."""


def _text(parts: Sequence[object]) -> str:
    return " ".join(part.text for part in parts if isinstance(part, Text))
