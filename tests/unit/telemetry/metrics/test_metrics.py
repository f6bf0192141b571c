"""Workers that tell each other: two processes' sources over one folder."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gatewayz.config.sections.observing import Metrics as Rules
from gatewayz.config.sections.observing import Observation as ObservationRules
from gatewayz.config.sections.providers import Breakers as BreakerRules
from gatewayz.config.settings import Settings
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.identity.authenticator import AuthenticatorStats
from gatewayz.domain.ledger.ledger import LedgerStats
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.response_cache.response_cache import ResponseCacheStats
from gatewayz.domain.usage.usage_log import UsageLogStats
from gatewayz.telemetry.metrics.collect import Sources
from gatewayz.telemetry.metrics.families import families
from gatewayz.telemetry.metrics.metrics import Metrics
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.telemetry.metrics.snapshot import ALIVE_S
from gatewayz.telemetry.metrics.worker_files import WorkerFiles
from tests.fakes.clock import FakeClock
from tests.fakes.settlements import attempt


class Worker:
    """One process."""

    def __init__(self, name: str, folder: Path | None, clock: FakeClock) -> None:
        self.requests = RequestRecord()
        self.observation = Observation(clock, ObservationRules())
        self.trouble: str | None = None
        self.breakers = Breakers(BreakerRules(), clock, ["openai"])
        catalog = SimpleNamespace(models=lambda: [SimpleNamespace(offers=[1, 2])], providers=lambda: ["openai"])
        router = SimpleNamespace(stats=lambda: {"requests_by_mode": {"cost": 3}, "refused_requests": 1})
        serving = SimpleNamespace(
            settings=Settings(),
            catalog=catalog,
            breakers=self.breakers,
            pools=SimpleNamespace(routers={"general": router, "own": router}),
        )
        sources = Sources(
            process=name,
            requests=self.requests,
            observation=self.observation,
            ledger=cast(Any, told(LedgerStats(groups=1, operations=5, backlog=0))),
            usage_log=cast(Any, told(UsageLogStats(pending=0, written=4, dropped=0))),
            limiter=cast(Any, SimpleNamespace(refused_by={"ip_limit": 2}, granted_count=9, is_degraded=False)),
            velocity=cast(Any, SimpleNamespace(is_active=False, trigger_count=0)),
            keys=cast(Any, told(AuthenticatorStats(entries=1, hits=8, loads=1, refused=0, is_feed_current=True))),
            answers=cast(Any, told(ResponseCacheStats(hits=3, misses=2, kept=2, entries=2, size_bytes=9, failures=0))),
            idempotency=cast(Any, SimpleNamespace(running=0)),
            connections=lambda: [cast(Any, SimpleNamespace(idle=1, in_use=2, waiting=3))],
            serving=lambda: cast(Any, serving),
        )
        files = None if folder is None else WorkerFiles(folder, name)
        self.metrics = Metrics(sources, clock, self.check, files)

    async def check(self) -> str | None:
        return self.trouble

    def serve(self, times: int) -> None:
        for _ in range(times):
            self.requests.record("POST", "/v1/chat/completions", 200, 0.1)
            self.observation.record_attempt(attempt())


def told(stats: Any) -> SimpleNamespace:
    return SimpleNamespace(stats=lambda: stats)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def served(worker: Worker) -> tuple[int, int]:
    """Return requests and attempts, as one of the workers answers."""
    figures = await worker.metrics.figures()
    requests = figures.requests["POST", "/v1/chat/completions"].statuses[200]
    return requests, sum(bucket.attempts for bucket in figures.offers.values())


async def test_every_worker_tells_the_sum(tmp_path: Path, clock: FakeClock) -> None:
    one, two = Worker("one", tmp_path, clock), Worker("two", tmp_path, clock)
    one.serve(3)
    two.serve(4)
    await one.metrics.share()
    await two.metrics.share()
    assert await served(one) == await served(two) == (7, 7)
    figures = await one.metrics.figures()
    assert figures.value("gatewayz_workers") == 2 and figures.value("gatewayz_ledger_operations_total") == 10
    assert figures.value("concurrency_queued_requests") == 6 and figures.value("gatewayz_catalog_models") == 1
    assert figures.value("general_router_requests_total", "cost") == 6
    assert figures.value("own_router_requests_total", "cost") is None
    assert figures.value("gatewayz_router_requests_total", "own", "cost") == 6
    assert figures.value("rate_limited_requests_total", "ip_limit") == 4


async def test_what_one_has_shown_the_other_knows(tmp_path: Path, clock: FakeClock) -> None:
    one, two = Worker("one", tmp_path, clock), Worker("two", tmp_path, clock)
    one.serve(5)
    two.serve(1)
    shown = await served(one)
    assert shown == (5, 5), "the other has not told yet"
    assert await served(two) == (6, 6), "and yet nothing that was shown is lost"


async def test_counters_of_a_dead_worker_stay_and_its_gauges_go(tmp_path: Path, clock: FakeClock) -> None:
    one, two = Worker("one", tmp_path, clock), Worker("two", tmp_path, clock)
    two.serve(4)
    two.requests.in_progress = 4
    await two.metrics.share()
    one.serve(1)
    clock.advance(ALIVE_S)
    figures = await one.metrics.figures()
    assert await served(one) == (5, 5)
    assert figures.value("http_requests_in_progress") == 0 and figures.value("gatewayz_workers") == 1


async def test_one_process_needs_no_files_and_a_lost_database_is_told(clock: FakeClock) -> None:
    worker = Worker("one", None, clock)
    worker.serve(2)
    await worker.metrics.share()
    assert (await worker.metrics.figures()).value("database_up") == 1
    worker.trouble = "the database does not answer"
    assert (await worker.metrics.figures()).value("database_up") == 0
    assert await served(worker) == (2, 2)


async def test_conditions_and_breakers_of_providers(clock: FakeClock) -> None:
    worker = Worker("one", None, clock)
    worker.serve(1)
    worker.observation.record_attempt(attempt(outcome="fault"))
    worker.breakers.view("made-up-by-a-caller")
    figures = await worker.metrics.figures()
    assert figures.value("provider_error_rate", "openai") == 0.5
    assert figures.value("provider_availability", "openai") == 0.5
    assert figures.value("circuit_breaker_current_state", "openai", "CLOSED") == 1
    assert figures.value("circuit_breaker_current_state", "openai", "OPEN") == 0
    assert not any("made-up-by-a-caller" in labels for _, labels in figures.readings)


async def test_names_of_fastapi_can_be_left_out(clock: FakeClock) -> None:
    worker = Worker("one", None, clock)
    worker.serve(1)
    figures = await worker.metrics.figures()
    both = {family.name for family in families(figures, Rules())}
    own = {family.name for family in families(figures, Rules(fastapi_names=False))}
    assert {name for name in both if name.startswith("fastapi_")} == both - own != set()
    assert len(both) == len(list(families(figures, Rules()))), "each name has one family"
