"""What observers are told."""

from typing import Literal

import msgspec

from gatewayz.sdk.interfaces import Charge
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Offer

__all__ = ["App", "Attempt", "CacheUse", "Outcome", "Settlement"]

Outcome = Literal["success", "caller_fault", "rate_limited", "fault", "abandoned"]
"""How an attempt ended: `abandoned` means the caller left first."""
CacheUse = Literal["hit", "miss"]
"""Whether an answer came out of the response cache."""


class App(msgspec.Struct, frozen=True, kw_only=True):
    """The application a call says it comes from: its caller's own words, shortened."""

    name: str
    """At most 80 characters; the host where it has no title."""
    url: str | None = None
    """Scheme and host."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one offer."""

    request_id: str
    offer: Offer
    outcome: Outcome
    error_code: str | None = None
    provider_status: int | None = None
    duration_ms: float
    """Until the whole answer was relayed, or the error was known."""
    first_content_ms: float | None = None
    """Of a stream; None for a whole answer."""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """One request, after it was paid for or voided."""

    request_id: str
    operation: str
    """Wire format the caller used."""
    requested_model: str
    model: str = ""
    """Canonical id."""
    user_id: int | None
    key_id: int | None
    charge: Charge | None
    """None when nothing was delivered."""
    attempts: tuple[Attempt, ...]
    offers: tuple[Offer, ...] = ()
    """All of the model."""
    candidates: tuple[Offer, ...] = ()
    """Those the router let through, in the order to try."""
    reason: str = ""
    """Why these, in the router's words."""
    status: int
    error_code: str | None = None
    stream: bool = False
    duration_ms: float = 0.0
    first_content_ms: float | None = None
    cache: CacheUse | None = None
    """What the response cache did; None: it was not asked."""
    saved: Nano = Nano(0)
    """What a hit cost less than the call itself would have."""
    app: App | None = None
    """None: it names none."""
