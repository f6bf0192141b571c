"""Exchange of breaker states between processes through Redis, beside the requests.

Each process keeps one field of one hash: a report of what is not trivially healthy, with wall-clock
times. Once per period it writes its own and reads the others': the latest opening, closing or reset of
a route counts, cooldowns are joined, and consecutive failures are summed since the last success anywhere.
With Redis gone, hung or answering nonsense, each process goes on alone. Source: docs/decisions/0016.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from redis.exceptions import RedisError

from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import CircuitKey, State
from gatewayz.domain.breakers.provider import ProviderBreaker
from gatewayz.sdk.clock import Clock

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["BreakerShare"]

KEY: Final = "gatewayz:breakers"
KEPT_S: Final = 3600
"""Source: spec 00 §11."""
BUDGET_S: Final = 0.2
MAX_PAUSE_S: Final = 5.0
MAX_REPORT_BYTES: Final = 1024 * 1024
SAME_MOMENT_S: Final = 0.01
"""Times go through two clocks; what differs by less is one event."""
NEVER: Final = float("-inf")

_logger = logging.getLogger(__name__)


class _Provider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Unix seconds; 0 is never."""

    failures_at: tuple[float, ...] = ()
    succeeded_at: float = 0.0
    is_shut: bool = False
    opened_at: float = 0.0
    changed_at: float = 0.0
    reset_at: float = 0.0


class _Circuit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    key: CircuitKey
    is_shut: bool = False
    follows_provider: bool = False
    opened_at: float = 0.0
    changed_at: float = 0.0
    cooling_until: float = 0.0


class _Report(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    providers: dict[str, _Provider]
    circuits: tuple[_Circuit, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Report).decode


class BreakerShare:
    """Keeps the breakers of this process and of the others together.

    :param serving: returns the breakers in use: a reload may put others in their place.
    :param process: a name no other process has.
    """

    def __init__(
        self, serving: Callable[[], Breakers], redis: "Redis", clock: Clock, *, process: str, period_s: float = 1.0
    ) -> None:
        self._serving = serving
        self._breakers = serving()
        self._redis = redis
        self._clock = clock
        self._process = process
        self._period_s = period_s
        self._offset = clock.now().timestamp() - clock.monotonic()
        self._has_field = False
        self._failing_elsewhere: set[str] = set()
        self.is_healthy = True
        """False after an exchange that failed."""

    async def run(self) -> None:
        """Exchange once per period until cancelled; after failures a little less often."""
        pause = self._period_s
        while True:
            await asyncio.sleep(pause)
            ok = await self.exchange()
            pause = self._period_s if ok else min(max(pause * 2, self._period_s), max(MAX_PAUSE_S, self._period_s))

    async def exchange(self) -> bool:
        """Write this process's report and take in the others'; False when Redis did not play along."""
        self._follow_wall_clock()
        self._breakers = self._serving()
        report = self._own_report()
        try:
            async with asyncio.timeout(BUDGET_S):
                fields = await self._swap(report)
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            # ValueError: an answer that is no text. Requests go on with what this process knows.
            if self.is_healthy:
                _logger.warning("breaker states are not shared: %s", type(error).__name__)
            self.is_healthy = False
            return False
        self.is_healthy = True
        reports, stale = self._read(fields)
        self._merge(reports)
        if stale:
            await self._drop(stale)
        return True

    async def _swap(self, report: _Report) -> Mapping[object, object]:
        is_trivial = not report.providers and not report.circuits
        async with self._redis.pipeline(transaction=False) as pipe:
            if not is_trivial:
                pipe.hset(KEY, self._process, _encode(report))
                pipe.expire(KEY, KEPT_S)
            elif self._has_field:
                pipe.hdel(KEY, self._process)
            pipe.hgetall(KEY)
            answers = await pipe.execute()
        self._has_field = not is_trivial
        fields = answers[-1]
        return fields if isinstance(fields, Mapping) else {}

    async def _drop(self, stale: list[str]) -> None:
        try:
            async with asyncio.timeout(BUDGET_S):
                await self._redis.hdel(KEY, *stale)
        except (RedisError, OSError, TimeoutError):
            _logger.debug("stale breaker reports stay for now")

    # --- what this process tells ---

    def _own_report(self) -> _Report:
        now = self._clock.monotonic()
        oldest = now - KEPT_S
        providers = {
            name: self._tell_provider(breaker, now)
            for name, breaker in self._breakers.visible()
            if breaker.failures_at
            or breaker.changed_at > oldest
            or breaker.reset_at > oldest
            or (name in self._failing_elsewhere and breaker.succeeded_at > oldest)
        }
        circuits = tuple(
            _Circuit(
                key=key,
                is_shut=circuit.state(now) is not State.CLOSED,
                follows_provider=circuit.follows_provider,
                opened_at=self._to_wall(circuit.opened_at),
                changed_at=self._to_wall(circuit.changed_at),
                cooling_until=self._to_wall(circuit.cooling_until) if circuit.cooling_until > now else 0.0,
            )
            for key, circuit in self._breakers.circuits()
            if circuit.changed_at > oldest or circuit.cooling_until > now
        )
        return _Report(at=self._to_wall(now), providers=providers, circuits=circuits)

    def _tell_provider(self, breaker: ProviderBreaker, now: float) -> _Provider:
        return _Provider(
            failures_at=tuple(self._to_wall(at) for at in breaker.failures_at),
            succeeded_at=self._to_wall(breaker.succeeded_at),
            is_shut=breaker.state(now) is not State.CLOSED,
            opened_at=self._to_wall(breaker.opened_at),
            changed_at=self._to_wall(breaker.changed_at),
            reset_at=self._to_wall(breaker.reset_at),
        )

    # --- what the others told ---

    def _read(self, fields: Mapping[object, object]) -> tuple[list[_Report], list[str]]:
        reports: list[_Report] = []
        stale: list[str] = []
        oldest = self._to_wall(self._clock.monotonic()) - KEPT_S
        for field, value in fields.items():
            name = field.decode(errors="replace") if isinstance(field, bytes) else str(field)
            if name == self._process:
                continue
            try:
                if not isinstance(value, bytes | str) or len(value) > MAX_REPORT_BYTES:
                    raise msgspec.DecodeError("no report")
                report = _decode(value)
            except (msgspec.DecodeError, UnicodeEncodeError):
                _logger.debug("a breaker report cannot be read: %s", name)
                continue
            if report.at < oldest:
                stale.append(name)
            else:
                reports.append(report)
        return reports, stale

    def _merge(self, reports: Iterable[_Report]) -> None:
        told: dict[str, list[_Provider]] = {}
        for report in reports:
            for name, provider in report.providers.items():
                if self._breakers.is_configured(name):
                    told.setdefault(name, []).append(provider)
            for circuit in report.circuits:
                if self._breakers.is_configured(circuit.key[0]):
                    self._merge_circuit(circuit)
        for name, accounts in told.items():
            self._merge_provider(name, accounts)
        failing = {name for name, accounts in told.items() if any(account.failures_at for account in accounts)}
        for name in self._failing_elsewhere - failing:
            self._breakers.apply_heard(name, (), NEVER)
        self._failing_elsewhere = failing

    def _merge_circuit(self, told: _Circuit) -> None:
        circuit = self._breakers.circuit(told.key)
        circuit.cool(min(self._to_own(told.cooling_until), self._clock.monotonic() + KEPT_S))
        changed_at = self._to_past(told.changed_at)
        if changed_at <= circuit.changed_at + SAME_MOMENT_S:
            return
        if told.is_shut:
            circuit.open(self._to_past(told.opened_at), follows_provider=told.follows_provider)
        else:
            circuit.close(changed_at)

    def _merge_provider(self, name: str, accounts: list[_Provider]) -> None:
        breaker = self._breakers.provider(name)
        latest = max(accounts, key=lambda account: account.changed_at)
        changed_at = self._to_past(latest.changed_at)
        if changed_at > breaker.changed_at + SAME_MOMENT_S:
            if latest.is_shut:
                self._breakers.apply_open(name, breaker, self._to_past(latest.opened_at))
            else:
                self._breakers.apply_close(name, breaker, changed_at)
        reset_at = self._to_past(max(account.reset_at for account in accounts))
        if reset_at > breaker.reset_at + SAME_MOMENT_S:
            self._breakers.apply_reset(name, breaker, reset_at)
        failures_at = [self._to_past(at) for account in accounts for at in account.failures_at]
        succeeded_at = self._to_past(max(account.succeeded_at for account in accounts))
        self._breakers.apply_heard(name, failures_at, succeeded_at)

    # --- two clocks ---

    def _follow_wall_clock(self) -> None:
        offset = self._clock.now().timestamp() - self._clock.monotonic()
        # Small drift is not followed: times already told would seem to change.
        if abs(offset - self._offset) > 1.0:
            self._offset = offset

    def _to_wall(self, at: float) -> float:
        return max(0.0, round(at + self._offset, 3))

    def _to_own(self, at: float) -> float:
        return at - self._offset if at > 0 else NEVER

    def _to_past(self, at: float) -> float:
        """Another machine's clock may run ahead: nothing it tells has happened later than now."""
        return min(self._to_own(at), self._clock.monotonic())
