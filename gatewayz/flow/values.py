"""The values one inference request is made of, step by step. No HTTP, no vendor.

    Inbound -> Caller -> ParsedCall -> Admission -> Plan -> Answer -> Reply
"""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import msgspec

from gatewayz.domain.catalog.catalog import Model
from gatewayz.sdk.interfaces import Hold
from gatewayz.sdk.offers import Feature, Offer
from gatewayz.sdk.wire import Format, Headers

__all__ = ["Admission", "Inbound", "ParsedCall", "Plan", "Reply", "ReplyBody"]


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """A request as received, its body whole and within limits."""

    format: Format
    """Which caller API it came by."""
    body: bytes
    credential: bytes | None
    """The key as presented, or None."""
    request_id: str
    idempotency_key: str | None = None
    client_address: str = ""
    headers: Headers = ()
    """All request headers, names in lower case."""
    query: Mapping[str, str] = {}
    started: float = 0.0
    """`Clock.monotonic()` when the head had arrived."""
    referrer: str | None = None


class ParsedCall(msgspec.Struct, frozen=True, kw_only=True):
    """What the steps need of a call, read in one pass; `fields` keeps the body's members as they came."""

    format: Format
    requested_model: str
    model: Model
    fields: dict[str, msgspec.Raw]
    stream: bool = False
    include_usage: bool = False
    prompt_tokens: int = 0
    """Estimate, for the hold and the router."""
    max_output_tokens: int | None = None
    n: int = 1
    needs: frozenset[Feature] = frozenset()
    provider: str | None = None
    """The caller's own choice (`provider` extension)."""


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """The right to make the call: limit slots taken and money held. Owned by the reply from dispatch on."""

    hold: Hold
    headers: Headers = ()
    """Rate-limit headers of the answer."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Offers in the order to try, and the reason in words."""

    offers: tuple[Offer, ...]
    reason: str
    passed_over: Mapping[str, str] = {}
    """Provider to why it is not in the list."""


class ReplyBody(Protocol):
    """A streamed body that owns what must be released: the upstream, the hold, the slots."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None:
        """Let go of everything; safe to call at any time, any number of times."""
        ...


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back to the caller."""

    status: int
    headers: Headers
    body: bytes | ReplyBody


