"""The public status page: every provider over days, and the incidents. Source: spec 05 §6; docs/dashboard.md."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

import msgspec

from gatewayz.areas.pages.schema import Period
from gatewayz.config.sections.observing import Conditions
from gatewayz.domain.health.uptime import Slot, Uptime
from gatewayz.domain.status.page import StatusPage
from gatewayz.domain.status.shown import DataPoint, ProviderStatus, Word
from gatewayz.sdk.errors import InvalidRequest, StoreUnavailable

__all__ = ["SPANS", "Component", "Seen", "Span", "components_of", "seen_over"]


class Span(NamedTuple):
    """What a bar of the history stands for, and how many there are."""

    step: timedelta
    bars: int
    words: str


SPANS: Final[Mapping[Period, Span]] = {
    "72h": Span(timedelta(hours=1), 72, "72 hours"),
    "90d": Span(timedelta(days=1), 90, "90 days"),
}


class Seen(NamedTuple):
    """Calls and probes of a provider in an hour or a day."""

    start: datetime
    good: int
    bad: int


class Bar(msgspec.Struct, frozen=True):
    """One hour or day in which something was seen."""

    at: int
    """0 is the oldest."""
    start: datetime
    status: Literal["operational", "degraded", "downtime"]
    uptime: float
    calls: int


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One provider."""

    name: str
    gateway: str
    status: Word
    uptime: float | None
    """Percentage over the whole span; None when nothing was seen."""
    models: int
    offline_models: int
    active_incidents: int
    avg_response_time_ms: float | None
    bars: Sequence[Bar]


async def seen_over(period: Period, uptime: Uptime, page: StatusPage) -> Mapping[str, Sequence[Seen]] | None:
    """Return the hours or days of each provider, oldest first; None while they cannot be read."""
    if period == "90d":
        return {name: [_seen_on(day) for day in days] for name, days in (await page.bars()).items()}
    try:
        return _by_hour(await uptime.slots("72h", "1h"))
    except (StoreUnavailable, InvalidRequest):  # away, or more figures than can be read at once
        return None


def components_of(
    providers: Iterable[ProviderStatus],
    seen: Mapping[str, Sequence[Seen]],
    span: Span,
    *,
    now: datetime,
    rules: Conditions,
    search: str,
) -> Sequence[Component]:
    """Return the providers that a search fits, in their order.

    :param rules: from which share of failures on a bar is degraded, and from which it is down.
    """
    wanted = search.strip().lower()
    return [
        _component(each, seen.get(each.gateway, ()), span, now, rules)
        for each in providers
        if wanted in each.name.lower() or wanted in each.gateway.lower()
    ]


def _seen_on(day: DataPoint) -> Seen:
    return Seen(day.timestamp, day.successful_checks, day.failed_checks)


def _by_hour(slots: Iterable[Slot]) -> Mapping[str, Sequence[Seen]]:
    sums: dict[str, dict[datetime, Seen]] = {}
    for slot in slots:
        hours = sums.setdefault(slot.provider, {})
        before = hours.get(slot.start, Seen(slot.start, 0, 0))
        hours[slot.start] = Seen(slot.start, before.good + slot.good, before.bad + slot.bad)
    return {provider: list(hours.values()) for provider, hours in sums.items()}


def _component(
    provider: ProviderStatus, seen: Sequence[Seen], span: Span, now: datetime, rules: Conditions
) -> Component:
    newest = now - timedelta(seconds=now.timestamp() % span.step.total_seconds())
    first = newest - (span.bars - 1) * span.step
    known = [each for each in seen if each.good + each.bad and each.start >= first]
    good, bad = sum(each.good for each in known), sum(each.bad for each in known)
    return Component(
        name=provider.name,
        gateway=provider.gateway,
        status=provider.status,
        uptime=100 * good / (good + bad) if known else None,
        models=provider.total_models,
        offline_models=provider.offline_models,
        active_incidents=provider.active_incidents,
        avg_response_time_ms=provider.avg_response_time_ms,
        bars=[_bar(each, int((each.start - first) / span.step), rules) for each in known],
    )


def _bar(seen: Seen, at: int, rules: Conditions) -> Bar:
    calls = seen.good + seen.bad
    share = seen.bad / calls
    status: Literal["operational", "degraded", "downtime"] = "operational"
    if share >= rules.degraded_share:
        status = "downtime" if share >= rules.down_share else "degraded"
    return Bar(at, seen.start, status, 100 * (1 - share), calls)
