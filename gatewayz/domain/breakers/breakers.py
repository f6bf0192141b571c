"""All circuits and visible breakers of this process.

The flow, for each attempt, synchronously:

    permit = breakers.admit(offer.circuit)      # falsy: do not try this one
    ... then exactly one of
    breakers.succeeded(circuit, permit)         # first good content
    breakers.failed(circuit, permit)            # an error whose class says `is_fault`
    breakers.rate_limited(circuit, permit, retry_after_s)
    breakers.abandoned(circuit, permit)         # caller left, or the caller's own fault

A report that never comes costs nothing but the probe's slot, and that expires.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from math import ceil, isfinite
from typing import Final

import msgspec

from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.circuit import Circuit, CircuitKey, Permit, State
from gatewayz.domain.breakers.provider import ProviderBreaker
from gatewayz.sdk.clock import Clock

__all__ = ["BreakerView", "Breakers"]

MAX_CIRCUITS: Final = 20_000
MAX_NAME_LENGTH: Final = 200
_BEST_FIRST: Final = (State.CLOSED, State.HALF_OPEN, State.OPEN)
IDLE_S: Final = 3600.0
"""A breaker created by a look is forgotten after this time without one. Source: spec 00 §11 (1 h expiry)."""


class BreakerView(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's breaker as `/circuit-breakers` shows it. Source: spec 05 §2."""

    provider: str
    state: State
    failure_count: int
    """Consecutive failed client requests."""
    success_count: int
    """Consecutive successful ones, since it opened if it did."""
    failure_rate: float
    """Share of the recent requests, 0..1."""
    recent_requests: int
    opened_at: str | None
    """ISO 8601, UTC; None when closed."""
    seconds_until_retry: int


class Breakers:
    """The aggregate. One per process; not for use from several threads.

    :param probe_s: how long a probe may stay unreported before its slot is free again; longer than
        the connect and first-byte limits together.
    """

    def __init__(self, rules: Rules, clock: Clock, providers: Iterable[str] = (), *, probe_s: float = 90.0) -> None:
        self._rules = rules
        self._clock = clock
        self._probe_s = probe_s
        self._circuits: OrderedDict[CircuitKey, Circuit] = OrderedDict()
        self._providers: dict[str, ProviderBreaker] = {}
        self._looked_at: OrderedDict[str, ProviderBreaker] = OrderedDict()
        self.know(providers)

    def know(self, providers: Iterable[str]) -> None:
        """Take over the configured provider instances; those that are gone are forgotten."""
        now = self._clock.monotonic()
        before = self._providers
        self._providers = {
            name: before.get(name) or self._looked_at.pop(name, None) or ProviderBreaker(self._rules, now)
            for name in providers
        }
        gone = before.keys() - self._providers.keys()
        for key in [key for key in self._circuits if key[0] in gone]:
            del self._circuits[key]

    # --- the flow ---

    def admit(self, circuit: CircuitKey) -> Permit:
        """Return the permit for one attempt, falsy when the route is open, cooling, or being probed."""
        now = self._clock.monotonic()
        return self._circuit(circuit, now).admit(now)

    def succeeded(self, circuit: CircuitKey, permit: Permit, *, latency_ms: float | None = None) -> None:
        """Report that the attempt answered; `latency_ms` is a stream's time to first content."""
        now = self._clock.monotonic()
        route = self._circuit(circuit, now)
        if latency_ms is not None:
            route.measured(now, latency_ms)
        if route.succeeded(now, permit) and self._provider(circuit[0], now).succeeded(now):
            self._release(circuit[0], now)

    def failed(self, circuit: CircuitKey, permit: Permit, *, is_repeat: bool = False) -> None:
        """Report a fault of the provider.

        `is_repeat`: this client request has already failed at the same provider, by another circuit;
        the provider's visible count takes one failure per client request.
        """
        now = self._clock.monotonic()
        route = self._circuit(circuit, now)
        was_closed = route.state(now) is State.CLOSED
        if not route.failed(now, permit):
            return
        name = circuit[0]
        provider = self._provider(name, now)
        if not is_repeat and provider.failed(now):
            self._shut(name, now)
        elif was_closed and route.refuses(now) and provider.state(now) is State.CLOSED and self._is_all_shut(name, now):
            # Opened by its failure rate, and no circuit in use is left: that is the provider being down.
            provider.open(now)

    def rate_limited(self, circuit: CircuitKey, permit: Permit, retry_after_s: float | None = None) -> None:
        """Report a 429: the route cools down, and no fault is counted."""
        now = self._clock.monotonic()
        rules = self._rules
        wait = rules.cooldown_s
        if retry_after_s is not None and isfinite(retry_after_s) and retry_after_s >= 0:
            wait = retry_after_s
        route = self._circuit(circuit, now)
        route.abandoned(permit)
        route.cool(now + min(wait, rules.max_cooldown_s))

    def abandoned(self, circuit: CircuitKey, permit: Permit) -> None:
        """Report that the attempt ended without a verdict on the provider."""
        route = self._circuits.get(circuit)
        if route is not None:
            route.abandoned(permit)

    def last_resort(self, circuits: Sequence[CircuitKey]) -> tuple[CircuitKey, Permit] | None:
        """Choose among shut routes the one that recovers first; None when each must still be left alone.

        To be asked when `admit` refused every route. A cooling route is never chosen, and one open
        circuit gets at most one such attempt in `last_resort_s`.
        """
        now = self._clock.monotonic()
        for key in sorted(circuits, key=lambda key: self._circuit(key, now).retry_at()):
            if permit := self._circuit(key, now).last_resort(now):
                return key, permit
        return None

    # --- questions ---

    def is_open(self, circuit: CircuitKey) -> bool:
        """True while the circuit refuses calls for faults."""
        now = self._clock.monotonic()
        route = self._circuits.get(circuit)
        if route is not None:
            return route.refuses(now)
        provider = self._find_provider(circuit[0])
        return provider is not None and provider.state(now) is State.OPEN

    def is_cooling(self, circuit: CircuitKey) -> bool:
        """True while the circuit waits out a rate limit."""
        return self.cooldown_remaining(circuit) > 0

    def cooldown_remaining(self, circuit: CircuitKey) -> float:
        """Seconds until a rate-limited route may be tried again, 0 when it may."""
        route = self._circuits.get(circuit)
        return max(0.0, route.cooling_until - self._clock.monotonic()) if route is not None else 0.0

    def seconds_until_retry(self, circuit: CircuitKey) -> float:
        """Seconds until a shut or cooling route admits an attempt by itself, 0 when it does."""
        route = self._circuits.get(circuit)
        if route is None:
            return 0.0
        now = self._clock.monotonic()
        shut_until = route.retry_at() if route.state(now) is State.OPEN else now
        return max(0.0, shut_until - now, route.cooling_until - now)

    def best_state(self, provider: str, circuits: Iterable[CircuitKey]) -> State:
        """Return the best state of some circuits of a provider; the provider's own where none was ever called."""
        now = self._clock.monotonic()
        states = {route.state(now) for key in circuits if (route := self._circuits.get(key)) is not None}
        if not states:
            breaker = self._find_provider(provider)
            return State.CLOSED if breaker is None else breaker.state(now)
        return min(states, key=_BEST_FIRST.index)

    def latency_p50_ms(self, circuit: CircuitKey) -> float | None:
        """Median time to first content over the last streams, None without a recent one."""
        route = self._circuits.get(circuit)
        return route.latency_p50_ms(self._clock.monotonic()) if route is not None else None

    # --- what is shown ---

    def view(self, provider: str) -> BreakerView:
        """Return one provider's breaker; an unknown name is created closed. Source: spec 05 §2, 5.2."""
        now = self._clock.monotonic()
        return self._view(provider, self._look_at(provider, now), now)

    def views(self) -> dict[str, BreakerView]:
        """Return every known provider's breaker by name."""
        now = self._clock.monotonic()
        self._forget_idle(now)
        return {name: self._view(name, breaker, now) for name, breaker in sorted(self.visible())}

    def reset(self, provider: str) -> BreakerView:
        """Close a provider's breaker and all its circuits; cooldowns a provider asked for stay."""
        now = self._clock.monotonic()
        breaker = self._look_at(provider, now)
        self.apply_reset(provider, breaker, now)
        return self._view(provider, breaker, now)

    def reset_all(self) -> dict[str, BreakerView]:
        """Close everything and return the breakers by name."""
        now = self._clock.monotonic()
        for name, breaker in self.visible():
            self.apply_reset(name, breaker, now)
        return self.views()

    # --- for `share`: the same states, told by other processes ---

    def visible(self) -> list[tuple[str, ProviderBreaker]]:
        """Name and breaker of every provider known here."""
        return [*self._providers.items(), *self._looked_at.items()]

    def circuits(self) -> Iterator[tuple[CircuitKey, Circuit]]:
        """Key and state machine of every circuit known here."""
        return iter(self._circuits.items())

    def circuit(self, key: CircuitKey) -> Circuit:
        """Return the state machine of a route, created closed when it is new."""
        return self._circuit(key, self._clock.monotonic())

    def is_configured(self, provider: str) -> bool:
        """True for an instance of the present configuration."""
        return provider in self._providers

    def provider(self, name: str) -> ProviderBreaker:
        """Return the visible breaker of a provider, created closed when it is new."""
        return self._provider(name, self._clock.monotonic())

    def apply_reset(self, provider: str, breaker: ProviderBreaker, at: float) -> None:
        """Close the breaker and its circuits, but for what has changed since `at`."""
        if breaker.changed_at > at:
            breaker.reset_at = at
        else:
            breaker.reset(at)
        for key, route in self._circuits.items():
            if key[0] == provider and route.changed_at <= at:
                route.close(at)

    def apply_open(self, provider: str, breaker: ProviderBreaker, at: float) -> None:
        """Open the breaker, and with it the circuits that are closed."""
        breaker.open(at)
        self._shut(provider, at)

    def apply_close(self, provider: str, breaker: ProviderBreaker, at: float) -> None:
        """Close the breaker, and with it the circuits that were only open because it was."""
        breaker.close(at)
        self._release(provider, at)

    def apply_heard(self, provider: str, failures_at: Sequence[float], succeeded_at: float) -> None:
        """Count the failures other processes saw; enough of them open the breaker here too."""
        now = self._clock.monotonic()
        if self._provider(provider, now).heard(now, failures_at, succeeded_at):
            self._shut(provider, now)

    # --- inside ---

    def _circuit(self, key: CircuitKey, now: float) -> Circuit:
        route = self._circuits.get(key)
        if route is not None:
            return route
        route = self._circuits[key] = Circuit(self._rules, now, self._probe_s)
        provider = self._find_provider(key[0])
        if provider is not None and provider.state(now) is State.OPEN:
            route.open(provider.opened_at, follows_provider=True)
        if len(self._circuits) > MAX_CIRCUITS:
            self._drop_oldest()
        return route

    def _drop_oldest(self) -> None:
        # One pass frees a tenth, so that a full table does not pay for it on every call.
        by_age = sorted(self._circuits, key=lambda key: self._circuits[key].used_at)
        for key in by_age[: MAX_CIRCUITS // 10]:
            del self._circuits[key]

    def _find_provider(self, name: str) -> ProviderBreaker | None:
        return self._providers.get(name) or self._looked_at.get(name)

    def _provider(self, name: str, now: float) -> ProviderBreaker:
        return self._find_provider(name) or self._create(name, now)

    def _look_at(self, name: str, now: float) -> ProviderBreaker:
        breaker = self._provider(name, now)
        breaker.seen_at = now
        if name in self._looked_at:
            self._looked_at.move_to_end(name)
        return breaker

    def _create(self, name: str, now: float) -> ProviderBreaker:
        breaker = ProviderBreaker(self._rules, now)
        if len(name) <= MAX_NAME_LENGTH:
            self._looked_at[name] = breaker
            if len(self._looked_at) > self._rules.max_created:
                self._looked_at.popitem(last=False)
        return breaker

    def _forget_idle(self, now: float) -> None:
        for name, breaker in list(self._looked_at.items()):
            if breaker.seen_at + IDLE_S <= now and breaker.is_idle(now):
                del self._looked_at[name]

    def _shut(self, provider: str, at: float) -> None:
        for key, route in self._circuits.items():
            if key[0] == provider and route.state(at) is State.CLOSED:
                route.open(at, follows_provider=True)

    def _release(self, provider: str, at: float) -> None:
        for key, route in self._circuits.items():
            if key[0] == provider and route.follows_provider:
                route.close(at)

    def _is_all_shut(self, provider: str, now: float) -> bool:
        recent = now - self._rules.window_s
        return all(
            route.refuses(now)
            for key, route in self._circuits.items()
            if key[0] == provider and route.used_at >= recent
        )

    def _view(self, name: str, breaker: ProviderBreaker, now: float) -> BreakerView:
        state = breaker.state(now)
        breaker.window.advance(now)
        opened_at = None
        wait = 0
        if state is not State.CLOSED:
            opened_at = (self._clock.now() - timedelta(seconds=now - breaker.opened_at)).isoformat()
        if state is State.OPEN:
            wait = ceil(breaker.opened_at + self._rules.recovery_s - now)
        return BreakerView(
            provider=name,
            state=state,
            failure_count=breaker.failure_count(),
            success_count=breaker.successes,
            failure_rate=round(breaker.window.failure_rate(), 4),
            recent_requests=breaker.window.requests,
            opened_at=opened_at,
            seconds_until_retry=wait,
        )
