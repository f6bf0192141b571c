from collections.abc import Iterable

import pytest

from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.health.shown import DayTraffic
from gatewayz.domain.health.standing import Standings
from gatewayz.sdk.errors import ModelNotFound
from tests.fakes.flow import MODEL, Scene, WireFake
from tests.fakes.traffic import FakeTraffic


class Seen:
    def __init__(self) -> None:
        self.scene = Scene(a=WireFake(b""), b=WireFake(b""), c=WireFake(b""))
        self.traffic = FakeTraffic(self.scene.clock)

    @property
    def breakers(self) -> Breakers:
        return self.scene.edition.breakers

    def standings(self, described: Iterable[str] = ()) -> Standings:
        edition = self.scene.edition
        return Standings(
            catalog=edition.catalog,
            breakers=edition.breakers,
            configured=edition.providers,
            described=[*edition.providers, *described],
            view=self.traffic,
            day=DayTraffic(parts={(each.provider, each.model): each for each in self.traffic.recent()}, is_whole=True),
        )

    def shut(self, provider: str) -> None:
        offer = next(each for each in self.scene.edition.catalog.resolve(MODEL).offers if each.provider == provider)
        for _ in range(5):
            self.breakers.failed(offer.circuit, self.breakers.admit(offer.circuit))


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_untouched_is_unknown_not_healthy(seen: Seen) -> None:
    standings = seen.standings(described=["off"])
    assert {each.status for each in standings.providers} == {"unknown"}
    assert {each.health_score for each in standings.providers} == {None}
    system = standings.system
    assert (system.overall_status, system.system_uptime, system.total_providers) == ("unknown", None, 3)
    off = standings.provider("off")
    assert off is not None and not off.is_configured and off.status == "unknown"
    assert standings.provider("nobody") is None
    assert standings.model(MODEL).status == "unknown"
    with pytest.raises(ModelNotFound):
        standings.model("no/such")


def test_everything_that_was_called_is_well(seen: Seen) -> None:
    for _ in range(3):
        seen.traffic.call("a", MODEL, ms=200.0)
    standings = seen.standings()
    a = standings.provider("a")
    assert a is not None and (a.status, a.health_score, a.overall_uptime, a.total_requests) == ("online", 100, 100.0, 3)
    assert a.avg_response_time_ms == pytest.approx(200.0, rel=0.05)
    assert (standings.system.overall_status, standings.system.system_uptime) == ("healthy", 100.0)
    assert (standings.system.tracked_providers, standings.system.tracked_models) == (1, 1)


@pytest.mark.parametrize(("bad", "overall"), [("a", "degraded"), ("ab", "unhealthy"), ("abc", "unhealthy")])
def test_overall_is_unhealthy_when_half_of_the_tracked_providers_are_offline(
    seen: Seen, bad: str, overall: str
) -> None:
    for name in "abc":
        seen.traffic.call(name, MODEL, is_fault=name in bad)
    assert seen.standings().system.overall_status == overall


def test_an_open_breaker_is_offline_whatever_the_record_says(seen: Seen) -> None:
    seen.traffic.call("a", MODEL)
    seen.shut("a")
    standings = seen.standings()
    a = standings.provider("a")
    assert a is not None and (a.status, a.circuit_breaker_state) == ("offline", "OPEN")
    assert [each.status for each in standings.models] == ["unhealthy"]
    assert standings.model(MODEL).status == "healthy", "other providers serve it"
    seen.scene.clock.advance(300)
    half_open = seen.standings().provider("a")
    assert half_open is not None and half_open.status == "degraded"


def test_failures_lower_the_score_and_the_uptime(seen: Seen) -> None:
    for is_fault in (False, True, True, True):
        seen.traffic.call("a", MODEL, is_fault=is_fault)
    a = seen.standings().provider("a")
    assert a is not None and (a.health_score, a.overall_uptime, a.error_count) == (87, 25.0, 3)
    assert (a.status, a.error_message, a.unhealthy_models) == ("offline", "UPSTREAM_BROKEN", 1)
