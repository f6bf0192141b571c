"""A choice among models: what the caller may ask of it, and what it says of itself."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from gatewayz.sdk.offers import Offer

__all__ = ["Decision", "PriceCap"]


class PriceCap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dearest a caller will pay; US dollars per million tokens, None is no cap."""

    prompt: float | None = None
    completion: float | None = None


class Decision(Protocol):
    """One choice and the numbers behind it; written out only when someone reads it."""

    def metadata(self, answered: Offer) -> Mapping[str, Any]:
        """Return `routing_metadata` of an answer that came from `answered`, an offer of the ranking."""
        ...

    def report(self) -> Mapping[str, Any]:
        """Return everything for people: need, domains, candidates with numbers, the choice, the reasons."""
        ...
