"""Takes the bounds of requests where all processes count together, or here when that cannot be asked."""

import asyncio
import itertools
import logging
import os
from collections import Counter, OrderedDict, deque
from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from gatewayz.domain.limits.bounds import Bound, Counters, Granted, Refused, Usage
from gatewayz.domain.limits.memory import MemoryCounters
from gatewayz.sdk.clock import Clock

__all__ = ["Lease", "Limiter", "Refusals"]

_log = logging.getLogger("gatewayz.limits")
REFUSALS_KEPT: Final = 1_000
_PROBE: Final = (Bound(name="probe", key="probe", limit=1_000_000_000, slot_ms=3_000),)
"""What is taken to see whether Redis counts again."""
_KEPT_SHARES: Final = 10_000
_KEPT_OWED: Final = 10_000


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
    :param budget_s: how long one request may wait for the common home. Source: design 6, aimed below its 200 ms.
    :param retry_s: how long the common home is left alone after it failed. A task looks whether it is back,
        so no request waits for it a second time.
    """

    def __init__(
        self,
        clock: Clock,
        shared: Counters | None = None,
        workers: int = 1,
        *,
        budget_s: float = 0.045,
        retry_s: float = 2.0,
    ) -> None:
        self.local = MemoryCounters(lambda: int(clock.now().timestamp() * 1000))
        self._shared = shared
        self._workers = workers
        self._budget_s = budget_s
        self._retry_s = retry_s
        self._recovery: asyncio.Task[None] | None = None
        """Runs while the common home is gone."""
        self._shares: dict[int, tuple[tuple[Bound, ...], tuple[Bound, ...]]] = {}
        """By identity of the bounds, which callers keep: the bounds, and this process's share of them."""
        self._owed: deque[tuple[tuple[Bound, ...], Granted, int]] = deque(maxlen=_KEPT_OWED)
        """What the common home is to be given back when it is there again; leases end by themselves."""
        self._leases = itertools.count(1)
        self._process = os.urandom(6).hex()
        self._tasks: set[asyncio.Task[None]] = set()
        self.granted_count = 0
        self.refused_count = 0
        self.refused_by: Counter[str] = Counter()
        """How often requests were refused, by the name of the bound."""
        self.refusals: OrderedDict[str, Refusals] = OrderedDict()
        """Who was refused, by the key of the bound; the latest last, at most `REFUSALS_KEPT`."""

    @property
    def is_shared(self) -> bool:
        """True when processes count together, or should."""
        return self._shared is not None

    @property
    def is_degraded(self) -> bool:
        """True while limits are counted in this process although they should be shared."""
        return self._recovery is not None

    async def take(self, bounds: tuple[Bound, ...], tokens: int = 0) -> Lease | tuple[Bound, Refused]:
        """Take one request and so many tokens of every bound, or of none."""
        lease = f"{self._process}{next(self._leases)}"
        if self._shared is not None:
            if self._recovery is None:
                answer = await self._ask(self._shared, bounds, tokens, lease)
                if answer is not None:
                    return self._outcome(self._shared, bounds, answer, tokens)
            if self._workers > 1:
                bounds = self._share(bounds)
        return self._outcome(self.local, bounds, self.local.take_now(bounds, tokens, lease), tokens)

    async def usage(self, bounds: tuple[Bound, ...]) -> list[Usage]:
        """Return what has been taken of windows: by all processes, or by this one where they cannot be asked."""
        if self._shared is not None and self._recovery is None and bounds:
            try:
                async with asyncio.timeout(self._budget_s):
                    return await self._shared.usage(bounds)
            except Exception as err:  # noqa: BLE001  whatever Redis does, what is known here is shown
                self._fail(self._shared, err)
        return [self.local.usage_now(bound) for bound in bounds]

    def give_back(self, home: Counters, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        """Correct what a request took, without waiting for it."""
        if home is self.local:
            self.local.give_back_now(bounds, granted, tokens)
            return
        self._spawn(self._give_back(home, bounds, granted, tokens))

    async def aclose(self) -> None:
        """Wait for corrections under way; look for the common home no more."""
        if self._recovery is not None:
            self._recovery.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=1.0)

    async def _ask(
        self, shared: Counters, bounds: tuple[Bound, ...], tokens: int, lease: str
    ) -> Granted | Refused | None:
        try:
            async with asyncio.timeout(self._budget_s):
                answer = await shared.take(bounds, tokens, lease)
        except Exception as err:  # noqa: BLE001  whatever Redis does, the request goes on with local limits
            self._fail(shared, err)
            return None
        return answer

    async def _give_back(self, home: Counters, bounds: tuple[Bound, ...], granted: Granted, tokens: int) -> None:
        if self._recovery is None:
            try:
                async with asyncio.timeout(self._budget_s * 4):
                    await home.give_back(bounds, granted, tokens)
                return
            except Exception as err:  # noqa: BLE001  whatever Redis does, it is told later
                self._fail(home, err)
        self._owed.append((bounds, granted, tokens))

    async def _repay(self, home: Counters) -> None:
        """Give back what could not be while the common home was gone."""
        while self._owed and self._recovery is None:
            await self._give_back(home, *self._owed.popleft())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail(self, home: Counters, err: Exception) -> None:
        if self._recovery is None:
            _log.warning("limits are counted in this process alone: %s", type(err).__name__)
            self._recovery = asyncio.get_running_loop().create_task(self._recover(home))

    async def _recover(self, home: Counters) -> None:
        """Ask until there is a sensible answer; meanwhile nobody else asks."""
        while True:
            await asyncio.sleep(self._retry_s)
            try:
                async with asyncio.timeout(self._budget_s * 4):
                    await home.reset()
                    await home.take(_PROBE, 0, "")
            except Exception as err:  # noqa: BLE001  it may fail in any way; it is asked again
                _log.debug("limits cannot be shared yet: %s", type(err).__name__)
            else:
                self._recovery = None
                self._spawn(self._repay(home))
                _log.info("limits are shared again")
                return

    def _note_refusal(self, bound: Bound, refused: Refused) -> None:
        self.refused_count += 1
        self.refused_by[bound.name] += 1
        before = self.refusals.pop(bound.key, None)
        count = 1 if before is None else before.count + 1
        self.refusals[bound.key] = Refusals(bound=bound, count=count, at_ms=refused.at_ms, wait_ms=refused.wait_ms)
        if len(self.refusals) > REFUSALS_KEPT:
            self.refusals.popitem(last=False)

    def _share(self, bounds: tuple[Bound, ...]) -> tuple[Bound, ...]:
        """Return the bounds of one of several processes."""
        kept = self._shares.get(id(bounds))
        if kept is not None and kept[0] is bounds:
            return kept[1]
        shares = tuple(msgspec.structs.replace(bound, limit=-(-bound.limit // self._workers)) for bound in bounds)
        if len(self._shares) >= _KEPT_SHARES:
            self._shares.clear()
        self._shares[id(bounds)] = (bounds, shares)
        return shares

    def _outcome(
        self, home: Counters, bounds: tuple[Bound, ...], answer: Granted | Refused, tokens: int
    ) -> Lease | tuple[Bound, Refused]:
        if isinstance(answer, Refused):
            self._note_refusal(bounds[answer.index], answer)
            return bounds[answer.index], answer
        self.granted_count += 1
        return Lease(self, home, bounds, answer, tokens)
