"""Settings of the response cache."""

from typing import Annotated, Literal

from msgspec import Meta

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["ResponseCache"]


class ResponseCache(Section, frozen=True, kw_only=True):
    """Answers that are given again to the same call of the same tenant; see `docs/response-cache.md`."""

    enabled: bool = False
    default_on: bool = False
    """Whether it serves users who have not chosen in `/user/cache-settings`."""
    scope: Literal["user", "key"] = "user"
    """Who shares answers: all keys of a user, or each key with itself alone. Users never share."""
    ttl_s: Positive = 3600.0
    """How long an answer is given again (spec 00 §15)."""
    max_entries: PositiveInt = 20_000
    """Kept in the memory of one process, where there is no Redis."""
    max_bytes: PositiveInt = 256 * 1024 * 1024
    """As `max_entries`; the answer that was not asked for longest goes first."""
    max_answer_bytes: PositiveInt = 1024 * 1024
    """Longer answers are not kept."""
    hit_price_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    """What an answer from the cache costs, of what the call itself would have cost."""
    retry_s: Positive = 5.0
    """How long a Redis that failed is left alone."""
