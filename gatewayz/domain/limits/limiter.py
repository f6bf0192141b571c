"""Takes the bounds of requests where all processes count together, or here when that cannot be asked."""

import asyncio
import itertools
import logging
import os
from collections import OrderedDict
from typing import Final

import msgspec

from gatewayz.domain.limits.bounds import Bound, Counters, Granted, Refused, Usage
from gatewayz.domain.limits.memory import MemoryCounters
from gatewayz.sdk.clock import Clock

__all__ = ["Lease", "Limiter", "Refusals"]

_log = logging.getLogger("gatewayz.limits")
BUDGET_S: Final = 0.045
"""How long one request may wait for Redis before limits go local. Source: design 6, aimed below its 200 ms."""
REFUSALS_KEPT: Final = 1_000
RETRY_S: Final = 5.0
"""How long Redis is left alone after it failed; recovery is within twice that."""


class Refusals(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How often this process refused for one bound, and the last time."""

    bound: Bound
    count: int
    at_ms: int
    wait_ms: int


class Lease:
    """What one request took. `correct` may be called once, `release` any number of times."""

    __slots__ = ("_bounds", "_home", "_is_open", "_limiter", "_tokens", "granted")

    def __init__(
        self, limiter: "Limiter", home: Counters, bounds: tuple[Bound, ...], granted: Granted, tokens: int
    ) -> None:
        self._limiter = limiter
        self._home = home
        self._bounds = bounds
        self._tokens = tokens
        self._is_open = True
        self.granted = granted

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """What was asked for, parallel to the lists of `granted`."""
        return self._bounds

    def correct(self, tokens: int) -> None:
        """Give back the slot; the call took so many tokens in truth."""
        if self._is_open:
            self._is_open = False
            self._limiter.give_back(self._home, self._bounds, self.granted, tokens - self._tokens)

    def release(self) -> None:
        """Give back the slot and the tokens that were reserved: nothing came of the call."""
        self.correct(0)


class Limiter:
    """All limits of a process; a fault of Redis never refuses or delays a request beyond the budget.

    :param shared: the common home; None counts in this process alone.
    :param workers: processes among which limits are divided while the common home is gone.
    """

    def __init__(self, clock: Clock, shared: Counters | None = None, workers: int = 1) -> None:
        self._clock = clock
        self.local = MemoryCounters(lambda: int(clock.now().timestamp() * 1000))
        self._shared = shared
        self._workers = workers
        self._closed_until = 0.0
        self._leases = itertools.count(1)
        self._process = os.urandom(6).hex()
        self._tasks: set[asyncio.Task[None]] = set()
        self.granted_count = 0
        self.refused_count = 0
        self.refusals: OrderedDict[str, Refusals] = OrderedDict()
        """Who was refused, by the key of the bound; the latest last, at most `REFUSALS_KEPT`."""

    @property
    def is_shared(self) -> bool:
        """True when processes count together, or should."""
        return self._shared is not None

    @property
    def is_degraded(self) -> bool:
        """True while limits are counted in this process although they should be shared."""
        return self._shared is not None and self._closed_until > 0.0

    async def take(self, bounds: tuple[Bound, ...], tokens: int = 0) -> Lease | tuple[Bound, Refused]:
        """Take one request and so many tokens of every bound, or of none."""
        lease = f"{self._process}{next(self._leases)}"
        if self._shared is not None and self._clock.monotonic() >= self._closed_until:
            answer = await self._ask(self._shared, bounds, tokens, lease)
            if answer is not None:
                return self._outcome(self._shared, bounds, answer, tokens)
        if self._shared is not None and self._workers > 1:
            bounds = tuple(self._share(bound) for bound in bounds)
        return self._outcome(self.local, bounds, self.local.take_now(bounds, tokens, lease), tokens)

    def usage(self, bound: Bound) -> Usage:
        """Return what this process counted of a window."""
        return self.local.usage(bound)

    def give_back(self, home: Counters, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        """Correct what a request took, without waiting for it."""
        if home is self.local:
            self.local.give_back_now(bounds, granted, tokens)
            return
        task = asyncio.get_running_loop().create_task(self._give_back(home, bounds, granted, tokens))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait for corrections under way."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=1.0)

    async def _ask(
        self, shared: Counters, bounds: tuple[Bound, ...], tokens: int, lease: str
    ) -> Granted | Refused | None:
        try:
            async with asyncio.timeout(BUDGET_S):
                answer = await shared.take(bounds, tokens, lease)
        except Exception as err:  # noqa: BLE001  whatever Redis does, the request goes on with local limits
            self._fail(err)
            return None
        if self._closed_until:
            self._closed_until = 0.0
            _log.info("limits are shared again")
        return answer

    async def _give_back(self, home: Counters, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        try:
            async with asyncio.timeout(BUDGET_S * 4):
                await home.give_back(bounds, granted, tokens)
        except Exception as err:  # noqa: BLE001  the lease expires by itself
            self._fail(err)

    def _fail(self, err: Exception) -> None:
        if not self._closed_until:
            _log.warning("limits are counted in this process alone: %s", type(err).__name__)
        self._closed_until = self._clock.monotonic() + RETRY_S

    def _note_refusal(self, bound: Bound, refused: Refused) -> None:
        self.refused_count += 1
        before = self.refusals.pop(bound.key, None)
        count = 1 if before is None else before.count + 1
        self.refusals[bound.key] = Refusals(bound=bound, count=count, at_ms=refused.at_ms, wait_ms=refused.wait_ms)
        if len(self.refusals) > REFUSALS_KEPT:
            self.refusals.popitem(last=False)

    def _share(self, bound: Bound) -> Bound:
        return msgspec.structs.replace(bound, limit=-(-bound.limit // self._workers))

    def _outcome(
        self, home: Counters, bounds: tuple[Bound, ...], answer: Granted | Refused, tokens: int
    ) -> Lease | tuple[Bound, Refused]:
        if isinstance(answer, Refused):
            self._note_refusal(bounds[answer.index], answer)
            return bounds[answer.index], answer
        self.granted_count += 1
        return Lease(self, home, bounds, answer, tokens)
