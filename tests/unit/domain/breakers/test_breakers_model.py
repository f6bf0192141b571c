"""Random traffic against the breakers, with what must always hold checked after each step."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gatewayz.config.sections.providers import Breakers as Rules
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import CircuitKey, Permit
from tests.fakes.clock import FakeClock

KEYS: tuple[CircuitKey, ...] = tuple((p, m, c) for p in ("p1", "p2") for m in ("m1", "m2") for c in ("k1", "k2"))
RULES = Rules(recovery_s=30.0, window_s=20.0, max_cooldown_s=40.0)
PROBE_S = 10.0


class Traffic(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.breakers = Breakers(RULES, self.clock, ["p1", "p2"], probe_s=PROBE_S)
        self.pending: list[tuple[CircuitKey, Permit, bool, float]] = []

    def _take(self, choice: int) -> tuple[CircuitKey, Permit]:
        key, permit, _, _ = self.pending.pop(choice % len(self.pending))
        return key, permit

    @rule(key=st.sampled_from(KEYS))
    def start(self, key: CircuitKey) -> None:
        cooling = self.breakers.is_cooling(key)
        shut = self.breakers.is_open(key)
        closed = self.breakers.circuit(key).state(self.clock.monotonic()) == "CLOSED"
        permit = self.breakers.admit(key)
        assert bool(permit) == (not cooling and not shut)
        if permit:
            self.pending.append((key, permit, not closed, self.clock.monotonic()))

    @rule(choice=st.integers(0, 99))
    def succeed(self, choice: int) -> None:
        if self.pending:
            self.breakers.succeeded(*self._take(choice))

    @rule(choice=st.integers(0, 99), repeat=st.booleans())
    def fault(self, choice: int, repeat: bool) -> None:
        if self.pending:
            key, permit = self._take(choice)
            self.breakers.failed(key, permit, is_repeat=repeat)

    @rule(key=st.sampled_from(KEYS), count=st.integers(1, 6))
    def outage(self, key: CircuitKey, count: int) -> None:
        for _ in range(count):
            if permit := self.breakers.admit(key):
                self.breakers.failed(key, permit)

    @rule(choice=st.integers(0, 99), wait=st.none() | st.floats(0, 100))
    def rate_limit(self, choice: int, wait: float | None) -> None:
        if self.pending:
            self.breakers.rate_limited(*self._take(choice), wait)

    @rule(choice=st.integers(0, 99))
    def abandon(self, choice: int) -> None:
        if self.pending:
            self.breakers.abandoned(*self._take(choice))

    @rule(choice=st.integers(0, 99))
    def lose(self, choice: int) -> None:
        if self.pending:
            self._take(choice)

    @rule(seconds=st.floats(0, 50))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(keys=st.sets(st.sampled_from(KEYS), min_size=1).map(sorted))
    def last_resort(self, keys: list[CircuitKey]) -> None:
        if any(not self.breakers.is_open(key) and not self.breakers.is_cooling(key) for key in keys):
            return
        chosen = self.breakers.last_resort(keys)
        if chosen is not None:
            assert not self.breakers.is_cooling(chosen[0])
            self.pending.append((*chosen, True, self.clock.monotonic()))

    @rule(provider=st.sampled_from(["p1", "p2"]))
    def reset(self, provider: str) -> None:
        self.breakers.reset(provider)
        assert self.breakers.view(provider).state == "CLOSED"
        assert not any(self.breakers.is_open(key) for key in KEYS if key[0] == provider)
        self.pending = [(k, p, probe and k[0] != provider, at) for k, p, probe, at in self.pending]

    @invariant()
    def one_probe_at_a_time(self) -> None:
        now = self.clock.monotonic()
        for key in KEYS:
            if self.breakers.circuit(key).state(now) == "CLOSED":
                self.pending = [(k, p, probe and k != key, at) for k, p, probe, at in self.pending]
            live = [at for k, _, probe, at in self.pending if k == key and probe and at + PROBE_S > now]
            assert len(live) <= 1

    @invariant()
    def counts_are_sane(self) -> None:
        for view in self.breakers.views().values():
            assert 0 <= view.failure_rate <= 1
            assert view.failure_count >= 0
            assert 0 <= view.seconds_until_retry <= RULES.recovery_s
            assert (view.opened_at is None) == (view.state == "CLOSED")

    def teardown(self) -> None:
        """From wherever the walk ended: one recovery time, one probe and one cooldown later all is well again."""
        for key in KEYS:
            self.breakers.circuit(key)
        self.clock.advance(max(RULES.recovery_s + PROBE_S, RULES.max_cooldown_s))
        for key in KEYS:
            for _ in range(RULES.success_threshold):
                permit = self.breakers.admit(key)
                assert permit, key
                self.breakers.succeeded(key, permit)
        assert {view.state for view in self.breakers.views().values()} == {"CLOSED"}
        assert not any(self.breakers.is_open(key) for key in KEYS)


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
