"""What an operator says of balancing."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["BalancedSettings", "Strategy"]

Strategy = Literal["order", "price", "latency", "weighted", "spread"]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Share = Annotated[float, Meta(ge=0, le=1)]


class BalancedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the offers of one model share its calls."""

    strategy: Strategy = "weighted"
    """`order`: the catalog's. `price`: the cheapest for the call. `latency`: the fastest to the first content.
    `weighted`: in proportion to `weights`. `spread`: evenly. Equals share by weight, evenly under `spread`."""
    weights: dict[str, Weight] = {}
    """Share of each provider instance, in any unit; 1 where none is said. 0 is tried after all others."""
    latency_tolerance: Annotated[float, Meta(ge=0, le=10)] = 0.25
    """Offers at most so much slower than the fastest count as equally fast, so that conversations do not jump."""
    explore: Share = 0.05
    """Share of conversations that go first to an offer whose latency is not known, so that it becomes known."""
    expected_output_tokens: Annotated[int, Meta(ge=1)] = 500
    """Length of an answer for which prices are compared, unless the call allows less."""
