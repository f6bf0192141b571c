from datetime import UTC, datetime, timedelta

import pytest

from gatewayz.areas.pages.status import SPANS, Seen, components_of
from gatewayz.config.sections.observing import Conditions
from gatewayz.domain.status.shown import ProviderStatus

NOW = datetime(2026, 3, 4, 12, 34, tzinfo=UTC)


def provider(gateway: str, name: str) -> ProviderStatus:
    return ProviderStatus(
        name=name,
        gateway=gateway,
        status="operational",
        uptime_24h=None,
        uptime_7d=None,
        total_models=1,
        healthy_models=1,
        offline_models=0,
        avg_response_time_ms=None,
        last_checked=None,
        active_incidents=0,
    )


PROVIDERS = [provider("alpha", "Alpha"), provider("beta", "The Second")]


def test_bars_stand_where_their_hour_is_and_say_how_bad_it_was() -> None:
    hour = NOW.replace(minute=0)
    seen = [
        Seen(hour - timedelta(hours=72), 1, 0),
        Seen(hour - timedelta(hours=71), 9, 1),
        Seen(hour - timedelta(hours=1), 1, 1),
        Seen(hour, 19, 1),
    ]
    alpha, beta = components_of(PROVIDERS, {"alpha": seen}, SPANS["72h"], now=NOW, rules=Conditions(), search="")
    assert [(bar.at, bar.status) for bar in alpha.bars] == [(0, "degraded"), (70, "downtime"), (71, "operational")]
    assert alpha.uptime == pytest.approx(100 * 29 / 32)
    assert beta.uptime is None and beta.bars == []


def test_days_are_placed_likewise() -> None:
    day = NOW.replace(hour=0, minute=0)
    seen = [Seen(day - timedelta(days=89), 1, 0), Seen(day - timedelta(days=1), 0, 0), Seen(day, 1, 0)]
    (alpha,) = components_of(PROVIDERS[:1], {"alpha": seen}, SPANS["90d"], now=NOW, rules=Conditions(), search="")
    assert [bar.at for bar in alpha.bars] == [0, 89]


@pytest.mark.parametrize(("search", "found"), [("", 2), (" ALP", 1), ("second", 1), ("beta", 1), ("gamma", 0)])
def test_search_goes_by_name_and_id(search: str, found: int) -> None:
    shown = components_of(PROVIDERS, {}, SPANS["72h"], now=NOW, rules=Conditions(), search=search)
    assert len(shown) == found
