"""What the dashboard shows at one moment: out of the record of traffic, the standings and the breakers.

Source: spec 05 §3.4 (12.4.2). Traffic is that of the last hour; standings are those of `/health/providers`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from gatewayz.areas.pages.plots import Bar, bars_of
from gatewayz.domain.breakers.breakers import BreakerView
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.domain.health.shown import ModelStatus, ProviderStanding, ProviderStatus
from gatewayz.domain.health.standing import Standings
from gatewayz.domain.observation.figures import speed
from gatewayz.domain.observation.totals import by_model, by_provider, total
from gatewayz.domain.observation.traffic import Traffic, TrafficPoint, TrafficView

__all__ = ["Dashboard", "ModelRow", "ProviderCard", "show_dashboard"]

_MODELS: Final = 10
_WORST_FIRST: Final[Sequence[ProviderStatus]] = ("offline", "degraded", "online", "unknown")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything together, in the last hour."""

    requests: int
    failed: int
    rate: float
    """Requests a minute, over the running minute and the one before."""
    error_percent: float | None
    p50_ms: float | None
    p95_ms: float | None
    first_content_ms: float | None
    """Median of streams."""
    input_tokens: int
    output_tokens: int
    tokens_per_second: float | None
    cost: int
    """Nano-dollars at providers' prices."""
    charged: int
    """Nano-dollars that customers paid."""


class ProviderCard(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that was called or probed. Figures are of the last hour."""

    standing: ProviderStanding
    name: str
    """For people."""
    breaker: BreakerView | None
    requests: int
    calls: int
    error_percent: float | None
    """Faults of its own among its calls and probes."""
    p50_ms: float | None
    p95_ms: float | None
    cost: int
    bars: Sequence[Bar]


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A model over its providers, in the last hour."""

    model: str
    requests: int
    error_percent: float | None
    p50_ms: float | None
    p95_ms: float | None
    first_content_ms: float | None
    tokens: int
    cost: int


class Dashboard(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    status: ModelStatus
    summary: Summary
    cards: Sequence[ProviderCard]
    """The worst first, then the busiest."""
    quiet: Sequence[str]
    """Names of configured providers that were never called or probed."""
    models: Sequence[ModelRow]
    """The busiest."""
    example: str | None
    """A model that can be called."""


def show_dashboard(
    view: TrafficView,
    standings: Standings,
    *,
    breakers: Mapping[str, BreakerView],
    gateways: Gateways,
    now: datetime,
    example: str | None,
) -> Dashboard:
    """Return what there is to show now.

    :param example: a model that can be called, for who has not called any.
    """
    recent, points = view.recent(), view.recent_series()
    traffic, bars = by_provider(recent), bars_of(points, now)
    cards = [
        _card(each, gateways.display(each.provider).name, breakers.get(each.provider), traffic, bars)
        for each in standings.providers
        if each.last_checked is not None
    ]
    cards.sort(key=lambda card: (_WORST_FIRST.index(card.standing.status), -card.calls, card.name.lower()))
    quiet = [gateways.display(each.provider).name for each in standings.providers if each.last_checked is None]
    return Dashboard(
        status=standings.system.overall_status,
        summary=_summary(total(recent), _rate(points, now)),
        cards=cards,
        quiet=sorted(quiet, key=str.lower),
        models=_models(recent),
        example=example,
    )


def _card(
    standing: ProviderStanding,
    name: str,
    breaker: BreakerView | None,
    traffic: Mapping[str, Traffic],
    bars: Mapping[str, Sequence[Bar]],
) -> ProviderCard:
    each = traffic.get(standing.provider) or total(())
    bad = each.faults + each.failed_probes
    return ProviderCard(
        standing=standing,
        name=name,
        breaker=breaker,
        requests=each.requests,
        calls=each.attempts,
        error_percent=_percent(bad, each.successes + each.probes - each.failed_probes + bad),
        p50_ms=each.latency.quantile(0.5),
        p95_ms=each.latency.quantile(0.95),
        cost=each.cost,
        bars=bars.get(standing.provider, ()),
    )


def _summary(whole: Traffic, rate: float) -> Summary:
    return Summary(
        requests=whole.requests,
        failed=whole.failed_requests,
        rate=rate,
        error_percent=_percent(whole.failed_requests, whole.requests),
        p50_ms=whole.latency.quantile(0.5),
        p95_ms=whole.latency.quantile(0.95),
        first_content_ms=whole.first_content.quantile(0.5),
        input_tokens=whole.input_tokens,
        output_tokens=whole.output_tokens,
        tokens_per_second=speed(whole),
        cost=whole.cost,
        charged=whole.charged,
    )


def _rate(points: Iterable[TrafficPoint], now: datetime) -> float:
    running = now.replace(second=0, microsecond=0)
    counted = sum(point.traffic.requests for point in points if (running - point.start).total_seconds() <= 60)
    return round(60 * counted / (60 + (now - running).total_seconds()), 1)


def _models(recent: Iterable[Traffic]) -> Sequence[ModelRow]:
    rows = [_row(model, each) for model, each in by_model(recent).items() if each.requests]
    return sorted(rows, key=lambda row: (-row.requests, row.model))[:_MODELS]


def _row(model: str, each: Traffic) -> ModelRow:
    return ModelRow(
        model=model,
        requests=each.requests,
        error_percent=_percent(each.failed_requests, each.requests),
        p50_ms=each.latency.quantile(0.5),
        p95_ms=each.latency.quantile(0.95),
        first_content_ms=each.first_content.quantile(0.5),
        tokens=each.input_tokens + each.output_tokens,
        cost=each.cost,
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
