"""The values one inference request is made of, step by step.

Inbound -> Caller -> ParsedCall -> Admission -> Plan -> Opened -> Reply
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import msgspec

from gatewayz.dialects.caller import CallHead
from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.limits.limiter import Lease
from gatewayz.sdk.audio import Recording
from gatewayz.sdk.interfaces import Hold, Provider, Ranking, RoutingCall
from gatewayz.sdk.observe import App, Attempt
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.outcomes import HearsOutcomes
from gatewayz.sdk.wire import Format, Headers

__all__ = [
    "Admission",
    "Choice",
    "Inbound",
    "LeftBehind",
    "ParsedCall",
    "Plan",
    "Reply",
    "ReplyBody",
    "Target",
]


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A request as received, its body whole and within limits."""

    format: Format
    """Which caller API it came by."""
    body: bytes
    request_id: str
    started: float
    """`Clock.monotonic()` when the head had arrived."""
    headers: Headers = ()
    """Caller headers the format defines as part of the call."""
    client_address: str = ""
    cache_control: bytes = b""
    """The header of that name."""
    session_id: str | None = None
    """The chat session that the query names."""
    recording: Recording | None = None
    """The sound that came with the call; `body` then has its other fields."""
    app: App | None = None
    """The application that the call names."""


class LeftBehind(asyncio.CancelledError):
    """The caller left when the answer was there: the call is charged, though nobody has it."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a router chose among models, and how long it took."""

    hears: HearsOutcomes | None
    """The router, where it wants to know how the answer ends."""
    call: RoutingCall
    """What the router was asked."""
    ranking: Ranking
    took_ms: float


class ParsedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A checked call and the model it resolved to."""

    format: Format
    head: CallHead
    model: Model
    prompt_tokens: int
    """Estimate, for the hold and the router."""
    choice: Choice | None = None
    """Of a call that named a router; `model` is then the router's name with the offers chosen."""


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """The right to make the call: limit slots taken and money held. Owned by the reply from dispatch on."""

    hold: Hold
    offers: tuple[Offer, ...]
    """What the hold covers: every offer of the call, but of a router's choice only those that can be paid."""
    headers: Headers = ()
    """Rate-limit headers of the answer."""
    lease: Lease | None = None
    """What the call took of its limits."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Offers in the order to try, and the reason in words."""

    offers: tuple[Offer, ...]
    reason: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The offer that answered, and the attempts that came before."""

    offer: Offer
    provider: Provider
    started: float
    """`Clock.monotonic()` when this attempt began."""
    failed: tuple[Attempt, ...] = ()


class ReplyBody(Protocol):
    """A streamed body that owns what must be released: the upstream, the hold, the slots."""

    def __aiter__(self) -> "ReplyBody": ...

    async def __anext__(self) -> bytes:
        """Return whole events of the caller's format."""
        ...

    async def aclose(self) -> None:
        """Let go of everything; safe to call at any time, any number of times."""
        ...


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back to the caller. `content_type` and facts about the call become headers."""

    content_type: bytes
    body: bytes | ReplyBody
    facts: Mapping[bytes, bytes]
    """Header name to value: provider, model, limits."""
