"""The receipt: the field's names first (OpenRouter's, read 2026-11-25), then what this gateway knows besides."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["Attempted", "Considered", "Fate", "Generation", "GenerationAnswer", "GenerationQuery", "LedgerIds"]


Fate = Literal["tried", "refused", "not_tried", "passed_over"]


class GenerationQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which call."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """One call to a provider."""

    provider: str
    outcome: str
    """success, fault, rate_limited, caller_fault or abandoned."""
    status: int | None
    """HTTP status of the provider's error."""
    duration_ms: int


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that could have answered, in the order to try."""

    provider: str
    model: str
    fate: Fate
    """`refused`: its circuit was open when its turn came; `not_tried`: its turn never came; `passed_over`: by the
    router, whose `reason` says why."""


class LedgerIds(msgspec.Struct, frozen=True, kw_only=True):
    """Where the money is booked; text, since the ids have 63 bits."""

    hold: str
    entry: str | None
    """The charge; None for a hold that was released."""


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One call. Dollars are what customers paid; milliseconds; what is not known is null."""

    id: str
    model: str
    """Canonical id."""
    provider_name: str | None
    created_at: datetime
    streamed: bool
    cancelled: bool
    """The caller left first."""
    total_cost: float
    usage: float
    tokens_prompt: int
    tokens_completion: int
    native_tokens_prompt: int
    native_tokens_completion: int
    native_tokens_reasoning: int
    native_tokens_cached: int
    num_media_completion: int
    audio_ms: int | None
    """Milliseconds of sound that were charged."""
    characters: int | None
    """Of text read aloud."""
    generation_time: int
    """From the call's arrival to its end."""
    latency: int | None
    """To the first content of a stream, else to the whole answer."""
    requested_model: str
    upstream_model: str | None
    api_type: str
    """Wire format of the caller."""
    status: int
    error_code: str | None
    provider_cost: float | None
    """Dollars of the usage at the offer's price; above `total_cost` when the account had not that much."""
    rates: dict[str, int]
    """What each kind of usage cost, in nano-dollars per million tokens (per call, per image)."""
    usage_source: str | None
    """`provider`, or `estimated` when it did not say."""
    reason: str | None
    """Why these candidates in this order, in the router's words."""
    candidates: list[Considered]
    attempts: list[Attempted]
    cache: Literal["hit", "miss"] | None
    """What the response cache did; null: it was not asked."""
    saved: float | None
    """Dollars that a hit cost less than the call itself would have."""
    ledger: LedgerIds | None
    """None where nothing is booked."""


class GenerationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt."""

    data: Generation
