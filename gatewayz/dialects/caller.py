"""A wire format seen from the caller's side."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from gatewayz.sdk.chat import Completion, Event, ModelCall
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.offers import Feature
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import Format

__all__ = ["CallHead", "CallerDialect", "EventRenderer", "GatewayUsage", "HeadReader"]

GatewayUsage = Mapping[str, Any]
"""The `gateway_usage` object of an answer: provider, cost_usd, input_cost_usd, ... dropped."""


class CallHead(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway itself needs of a request body, from one validating pass."""

    model: str
    fields: dict[str, msgspec.Raw]
    """All top-level members as their original bytes, gateway extensions removed."""
    stream: bool = False
    include_usage: bool = False
    """The caller wants usage in the stream (always true where the format always sends it)."""
    max_output_tokens: int | None = None
    n: int = 1
    needs: frozenset[Feature] = frozenset()
    provider: str | None = None
    """`provider` extension: the caller's own choice of provider."""
    extensions: Mapping[str, Any] = {}
    """The gateway's own members that were sent: `auto_web_search`, `web_search_threshold`, `session_id`, `cache`,
    `max_price`."""
    prompt_characters: int = 0
    """Length of the prompt's text, for estimates; images count nothing."""
    images: int = 0
    media: Usage | None = None
    """Of a call for pictures or sound: the most it can come to, for the hold; None for calls priced by tokens."""
    affinity: str | None = None
    """`prompt_cache_key`, `user` or `metadata.user_id`, when sent."""
    opening: str = ""
    """The first text of the user, which stays the same while a conversation grows; empty where there is none."""


class EventRenderer(Protocol):
    """Writes one stream in the caller's format."""

    def render(self, event: Event) -> bytes:
        """Return the bytes for one event; empty when it only changes what comes later.

        UsageReported events are remembered, never written directly.
        """
        ...

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return everything that ends a good stream: last chunks, usage when asked for, terminator."""
        ...

    def fail(self, error: GatewayzError) -> bytes:
        """Return the one error event that ends a broken stream; never a terminator that looks like success."""
        ...


class HeadReader(Protocol):
    """Reads what the gateway needs of a request; all that a format without translation has to do."""

    format: Format

    def read_head(self, body: bytes) -> CallHead:
        """Check the body's types and ranges and return what the gateway needs.

        Raises InvalidRequest with `param` (`messages[0].role`), or with the position for broken JSON.
        Unknown members are kept. This is on the hot path: one typed decode, no copies of messages.
        """
        ...


class CallerDialect(HeadReader, Protocol):
    """The half of a conversation format that serves callers."""

    keep_alive: bytes
    """What is sent into a silent stream: a comment, or the format's own ping."""

    def parse_call(self, body: bytes, *, model: str) -> ModelCall:
        """Return the call in core values, for a provider of another format. `model` replaces the body's.

        Raises InvalidRequest naming the parameter.
        """
        ...

    def render_completion(self, completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
        """Return a whole answer; `completion.model` is what the caller sees."""
        ...

    def event_renderer(self, *, model: str, call: ModelCall) -> EventRenderer:
        """Return a writer for one stream whose chunks name `model`."""
        ...
