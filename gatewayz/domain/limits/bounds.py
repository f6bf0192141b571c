"""One bound of a request, and what comes of asking for several at once."""

from typing import Final, Literal, Protocol

import msgspec

__all__ = ["DAY_MS", "SLOTS", "Bound", "Counters", "Granted", "Refused", "Usage", "amount_of"]

Kind = Literal["window", "bucket", "lease"]
SLOTS: Final = 20
"""Parts of a sliding window: what was taken is given back at most a twentieth of the period late, never early."""
DAY_MS: Final = 86_400_000


class Bound(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """So much in so long; `lease`: so many at once, each for at most the period.

    A window of one slot is aligned to the clock (a UTC day); one of more slots slides.
    """

    name: str
    """What callers are told as `limit_type`."""
    key: str
    """Whose count it is."""
    limit: int
    kind: Kind = "window"
    counts_tokens: bool = False
    slot_ms: int = 3_000
    slots: int = SLOTS

    @property
    def period_ms(self) -> int:
        """How long the window is."""
        return self.slot_ms * self.slots


class Granted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All bounds were kept; lists run parallel to the bounds."""

    at_ms: int
    remaining: list[int]
    reset_ms: list[int]
    """Until something is given back."""
    lease: str = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Nothing was taken: this bound stood in the way."""

    index: int
    wait_ms: int
    at_ms: int


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What has been taken of a bound."""

    used: int
    reset_ms: int


class Counters(Protocol):
    """A home of counts in which one request's bounds are taken all or none."""

    async def take(self, bounds: tuple[Bound, ...], tokens: int, lease: str) -> Granted | Refused:
        """Take one request and so many tokens. Raises OSError, TimeoutError or RedisError when the home is gone."""
        ...

    async def give_back(self, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        """End the lease and add to the tokens taken then (below 0: fewer were used). Raises as `take`."""
        ...

    async def usage(self, bounds: tuple[Bound, ...]) -> list[Usage]:
        """Return what has been taken of windows. Raises as `take`."""
        ...

    async def reset(self) -> None:
        """Trust no connection that was open while the home failed. Raises as `take`."""
        ...


def amount_of(bound: Bound, tokens: int) -> int:
    """Return what a request takes: never more tokens than the bound has, or it could never be made."""
    return max(1, min(tokens, bound.limit)) if bound.counts_tokens else 1
