"""The network layer: callers without a valid key, counted by address. Source: spec 00 §5.1."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any, Final

from gatewayz.config.sections.limits import NetworkLimits, VelocityMode
from gatewayz.domain.limits.bounds import SLOTS, Bound
from gatewayz.domain.limits.limiter import Lease, Limiter
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import RateLimited

__all__ = ["SKIPPED_PATHS", "NetworkLimited", "NetworkLimiter", "Velocity"]

SKIPPED_PATHS: Final = frozenset(
    ("/health", "/livez", "/readyz", "/metrics", "/api/health", "/favicon.ico", "/velocity-mode-status")
)
"""What supervisors ask is never limited."""
SHARED_S: Final = 5.0
"""How long what others have seen is gone by."""
LOOK_UP_EVERY_S: Final = 0.25
"""How often an unknown key of an address that is over its limit is looked up."""
LOOK_UPS_AT_ONCE: Final = 8
_KEPT: Final = 10_000
"""Addresses over their limit that are remembered."""
_FINGERPRINT: Final = (b"user-agent", b"accept-language", b"accept-encoding")


class NetworkLimited(RateLimited):
    """Too much from one address."""

    type = "security_limit"


class Velocity:
    """Notices when too much fails, and then halves what strangers may ask for.

    It decides by what this process sees, or by what all have seen while that is told (`adopt`). Errors that providers
    caused are not counted. Source: spec 00 §5.1, design 11.
    """

    def __init__(self, rules: VelocityMode, clock: Clock) -> None:
        self.rules = rules
        self._clock = clock
        self._untold = [0, 0]
        self._shared: tuple[float, int, int] | None = None
        """Until when it counts, and the requests and failures of all processes."""
        self._seconds: deque[list[int]] = deque()
        """[second, requests, failures], oldest first."""
        self._until = 0.0
        self.trigger_count = 0

    @property
    def is_active(self) -> bool:
        """True while the lower limits hold."""
        return self._clock.monotonic() < self._until

    def configure(self, rules: VelocityMode) -> None:
        """Go on by other rules, with what has been counted."""
        self.rules = rules

    def record(self, *, is_failure: bool) -> None:
        """Count one request that has ended."""
        now = self._clock.monotonic()
        second = int(now)
        seconds = self._seconds
        if not seconds or seconds[-1][0] != second:
            seconds.append([second, 0, 0])
            self._expire(second)
        seconds[-1][1] += 1
        self._untold[0] += 1
        if is_failure:
            self._untold[1] += 1
            seconds[-1][2] += 1
            if self._is_shared(now):
                return
            total, failed = self._counted()
            rules = self.rules
            if now >= self._until and total >= rules.min_requests and failed * 100 >= total * rules.failure_percent:
                self._until = now + rules.duration_s
                self.trigger_count += 1

    def take_untold(self) -> tuple[int, int]:
        """Return the requests and failures that were not told to others yet."""
        (requests, failures), self._untold = self._untold, [0, 0]
        return requests, failures

    def put_untold_back(self, requests: int, failures: int) -> None:
        """They could not be told."""
        self._untold[0] += requests
        self._untold[1] += failures

    def adopt(self, total: int, failed: int, left_s: float) -> None:
        """Go by what all processes have seen and decided, until that is old."""
        now = self._clock.monotonic()
        if left_s and not self.is_active:
            self.trigger_count += 1
        self._until = now + left_s
        self._shared = (now + SHARED_S, total, failed)

    def _is_shared(self, now: float) -> bool:
        return self._shared is not None and now < self._shared[0]

    def status(self, network: NetworkLimits) -> dict[str, Any]:
        """Return the public document."""
        now = self._clock.monotonic()
        self._expire(int(now))
        total, failed = self._shared[1:] if self._shared and self._is_shared(now) else self._counted()
        rate = round(100.0 * failed / total, 2) if total else 0.0
        normal = {
            "ip_limit": network.requests,
            "strict_ip_limit": network.strict_requests,
            "fingerprint_limit": network.fingerprint_requests,
        }
        left_s = max(0.0, self._until - now)
        return {
            "active": left_s > 0,
            "until": self._clock.now().timestamp() + left_s if left_s else None,
            "remaining_seconds": round(left_s),
            "trigger_count": self.trigger_count,
            "current_error_rate": rate,
            "error_rate": rate,
            "sample_size": total,
            "threshold": self.rules.failure_percent,
            "limits": {
                "normal": normal,
                "velocity": {name: int(limit * self.rules.multiplier) for name, limit in normal.items()},
            },
        }

    def _expire(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - self.rules.window_s:
            self._seconds.popleft()

    def _counted(self) -> tuple[int, int]:
        return sum(part[1] for part in self._seconds), sum(part[2] for part in self._seconds)

    @property
    def multiplier(self) -> float:
        """What limits are multiplied by now."""
        return self.rules.multiplier if self.is_active else 1.0

    def remaining_s(self) -> float:
        """Return how long the mode lasts."""
        return max(0.0, self._until - self._clock.monotonic())


class _Over:
    __slots__ = ("bound", "looks_at", "until")

    def __init__(self, bound: Bound, looks_at: float) -> None:
        self.bound = bound
        self.looks_at = looks_at
        self.until = looks_at


class NetworkLimiter:
    """Counts the requests of strangers.

    :param clock: of look-ups for addresses that are over their limit.
    :param is_allowed: whether an address is not counted.
    """

    def __init__(
        self,
        rules: NetworkLimits,
        limiter: Limiter,
        velocity: Velocity,
        clock: Clock,
        is_allowed: Callable[[str], bool] = lambda _address: False,
    ) -> None:
        self.rules = rules
        self.velocity = velocity
        self._limiter = limiter
        self._strict = tuple(ip_network(entry, strict=False) for entry in rules.strict_networks)
        self._agents = tuple(agent.lower().encode() for agent in rules.strict_agents)
        self._headers = frozenset(name.lower().encode() for name in rules.strict_headers)
        self._is_allowed = is_allowed
        self._clock = clock
        self._over: OrderedDict[str, _Over] = OrderedDict()
        """Addresses that were refused, the latest last."""

    async def take(self, address: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Count one request. Raises NetworkLimited (429)."""
        rules = self.rules
        if self._is_allowed(address):
            return
        limit = rules.strict_requests if self._is_strict(address, headers) else rules.requests
        limit = max(1, int(limit * self.velocity.multiplier))
        slot_ms = max(1, round(rules.window_s * 1000) // SLOTS)
        bounds = [Bound(name="ip_limit", key=f"n{address}", limit=limit, slot_ms=slot_ms)]
        if rules.fingerprints:
            key, most = f"f{_fingerprint(headers)}", max(1, int(rules.fingerprint_requests * self.velocity.multiplier))
            bounds.append(Bound(name="fingerprint_limit", key=key, limit=most, slot_ms=slot_ms))
        taken = await self._limiter.take(tuple(bounds))
        if not isinstance(taken, Lease):
            bound, refused = taken
            self._remember(address, bound, refused.wait_ms)
            raise self._refusal(bound, refused.wait_ms, refused.at_ms)

    def check_guess(self, address: str) -> None:
        """Allow or refuse the look-up of a key that is not known here, for an address that may be over its limit.

        Else whoever guesses keys has every guess looked up, and only the answer is refused. A valid key gets
        through with its next try, and is known from then on. Raises NetworkLimited (429).
        """
        over = self._over.get(address) if self._over else None
        if over is None:
            return
        now = self._clock.monotonic()
        if now >= over.until:
            del self._over[address]
        elif over.looks_at < now + (LOOK_UPS_AT_ONCE - 0.5) * LOOK_UP_EVERY_S:
            over.looks_at = max(over.looks_at, now) + LOOK_UP_EVERY_S
        else:
            wait_ms = round(LOOK_UP_EVERY_S * 1000)
            raise self._refusal(over.bound, wait_ms, int(self._clock.now().timestamp() * 1000))

    def _remember(self, address: str, bound: Bound, wait_ms: int) -> None:
        now = self._clock.monotonic()
        over = self._over.setdefault(address, _Over(bound, now))
        over.until = now + wait_ms / 1000
        self._over.move_to_end(address)
        if len(self._over) > _KEPT:
            self._over.popitem(last=False)

    def _is_strict(self, address: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        for name, value in headers:
            if name in self._headers:
                return True
            if name == b"user-agent":
                agent = value.lower()
                if any(word in agent for word in self._agents):
                    return True
        return _within(address, self._strict)

    def _refusal(self, bound: Bound, wait_ms: int, at_ms: int) -> NetworkLimited:
        wait_s = max(1, -(-wait_ms // 1000))
        is_fast = self.velocity.is_active
        reset = str(at_ms // 1000 + wait_s)
        headers = {
            "RateLimit-Limit": str(bound.limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(wait_s),
            "X-RateLimit-Limit": str(bound.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": reset,
            "X-RateLimit-Reason": f"velocity_mode_{bound.name}" if is_fast else bound.name,
            "X-RateLimit-Mode": "velocity" if is_fast else "normal",
            "X-Velocity-Mode-Active": "true" if is_fast else "false",
            "X-User-Tier": "basic",
        }
        if is_fast:
            headers["X-Velocity-Mode-Until"] = str(at_ms // 1000 + round(self.velocity.remaining_s()))
            headers["X-Velocity-Mode-Multiplier"] = f"{self.velocity.multiplier:g}"
        return NetworkLimited(
            f"Too many requests from your address without a valid key; try again in {wait_s} s.",
            context={"limit_type": bound.name, "limit": bound.limit},
            retry_after_s=wait_s,
            headers=headers,
        )


def _fingerprint(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return what kind of client this is. Source: spec 00 §5.1."""
    kind = {name: value for name, value in headers if name in _FINGERPRINT}
    return sha256(b"|".join(kind.get(name, b"") for name in _FINGERPRINT)).hexdigest()[:16]


def _within(address: str, networks: tuple[Any, ...]) -> bool:
    if not networks:
        return False
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
