"""What becomes of incidents, from the conditions of offers: a pure function. The rule in words: docs/status.md."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from gatewayz.domain.observation.traffic import OfferState
from gatewayz.domain.status.tiers import Tier
from gatewayz.store.incident_records import SEVERITIES, WHOLE, Incident, Opening, Severity, Subject

__all__ = ["Decisions", "ProviderSeen", "decide"]

_HALF: Final = 0.5
_TIERS: Final[Mapping[Tier, int]] = {"critical": 2, "popular": 1, "standard": 0, "on_demand": 0}
_FORGOTTEN: Final = "Nothing has been heard of it for too long to tell."
_COVERED: Final = "Became a part of the outage of the whole provider."

Standing = Literal["down", "better", "well", "silent", "gone"]


class ProviderSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one provider.

    :param states: the offers that it serves now and that were ever called or probed.
    :param tiers: of these, by model.
    :param served: how many models it serves.
    :param is_shut: its breaker is open, as far as this process knows.
    """

    states: tuple[OfferState, ...]
    tiers: Mapping[str, Tier]
    served: int
    is_shut: bool = False

    @property
    def known(self) -> list[OfferState]:
        """Offers of which something is known."""
        return [state for state in self.states if state.condition != "unknown"]

    @property
    def down(self) -> list[OfferState]:
        """Offers that are down."""
        return [state for state in self.states if state.condition == "down"]

    @property
    def failing(self) -> list[OfferState]:
        """Offers whose last call failed, or that are down."""
        return [state for state in self.known if state.condition == "down" or state.consecutive_failures]

    @property
    def is_down(self) -> bool:
        """Whether it is down as a whole, which one offer of several does not tell."""
        known, down = self.known, self.down
        is_all = bool(down) and len(down) == len(known) and (len(known) > 1 or self.served == 1)
        return is_all or (self.is_shut and bool(self.failing))


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """Every incident that was active as it is now, and what begins."""

    after: tuple[Incident, ...]
    openings: tuple[Opening, ...]


def decide(
    seen: Mapping[str, ProviderSeen],
    active: Sequence[Incident],
    ends: Mapping[Subject, datetime],
    now: datetime,
    recover: timedelta,
) -> Decisions:
    """Return what becomes of incidents.

    :param ends: when the newest ended incident of a subject ended; only newer failures begin another.
    :param recover: how long something must have been answering before its incident ends, unless it is healthy.
    """
    whole = [_after(each, seen, now, recover) for each in active if each.model == WHOLE]
    parts = [each for each in active if each.model != WHOLE]
    out = {each.provider for each in whole if each.resolved_at is None}
    opened = [
        opening
        for name, provider in seen.items()
        if provider.is_down and name not in out
        for opening in _opening_of_provider(name, provider, parts, ends, now)
    ]
    out |= {each.subject.provider for each in opened}
    parts = [
        _ended(each, now, _COVERED) if each.provider in out else _after(each, seen, now, recover) for each in parts
    ]
    held = {each.subject for each in parts if each.resolved_at is None}
    opened += [
        opening
        for name, provider in seen.items()
        if name not in out and not provider.is_down
        for opening in _openings_of_models(name, provider, held, ends, now)
    ]
    return Decisions(after=(*whole, *parts), openings=tuple(opened))


def _after(incident: Incident, seen: Mapping[str, ProviderSeen], now: datetime, recover: timedelta) -> Incident:
    """Return an incident as it is now."""
    provider = seen.get(incident.provider)
    states = [each for each in (provider.states if provider else ()) if incident.model in (WHOLE, each.model)]
    if provider is None or not states:
        return _ended(incident, now, "It is not served here any more.")
    is_whole = incident.model == WHOLE
    is_down = provider.is_down if is_whole else states[0].condition == "down"
    match _standing(states, incident.started_at, is_down=is_down):
        case "down":
            failing = provider.failing if is_whole else states
            severity = max(incident.severity, _severity(provider, failing), key=SEVERITIES.index)
            newest = _newest(failing)
            code = incident.error_code if newest is None else newest.last_error or incident.error_code
            return msgspec.structs.replace(incident, severity=severity, error_code=code, better_since=None)
        case "better":
            since = incident.better_since or now
            if now - since >= recover:
                return _ended(incident, now, None)
            return msgspec.structs.replace(incident, better_since=since)
        case "well":
            return _ended(incident, now, None)
        case "silent":
            return incident
        case "gone":
            return _ended(incident, now, _FORGOTTEN)


def _standing(states: Iterable[OfferState], started_at: datetime, *, is_down: bool) -> Standing:
    known = [state for state in states if state.condition != "unknown"]
    if not known:
        return "gone"
    if is_down:
        return "down"
    answering = {
        state.condition
        for state in known
        if state.condition != "down" and state.last_success_at is not None and state.last_success_at > started_at
    }
    if not answering:
        return "silent"
    return "well" if "healthy" in answering else "better"


def _ended(incident: Incident, now: datetime, notes: str | None) -> Incident:
    at = max(now, incident.started_at)  # another process's clock may be ahead
    return msgspec.structs.replace(incident, resolved_at=at, better_since=None, notes=incident.notes or notes)


def _opening_of_provider(
    name: str, provider: ProviderSeen, parts: Sequence[Incident], ends: Mapping[Subject, datetime], now: datetime
) -> Iterator[Opening]:
    begun = [each.started_at for each in parts if each.provider == name]
    subject = Subject(name, WHOLE)
    failures = _failures(provider.failing, ends.get(subject))
    if failures:
        yield _opening(subject, provider, provider.failing, min(now, *failures, *begun))


def _openings_of_models(
    name: str, provider: ProviderSeen, held: set[Subject], ends: Mapping[Subject, datetime], now: datetime
) -> Iterator[Opening]:
    for state in provider.down:
        subject = Subject(name, state.model)
        failures = [] if subject in held else _failures([state], ends.get(subject))
        if failures:
            yield _opening(subject, provider, [state], min(now, *failures))


def _failures(failing: Iterable[OfferState], ended: datetime | None) -> list[datetime]:
    """Return when each failed last, those left out that have not failed since the last incident ended."""
    moments = [state.last_failure_at for state in failing if state.last_failure_at is not None]
    return [at for at in moments if ended is None or at > ended]


def _opening(subject: Subject, provider: ProviderSeen, failing: Sequence[OfferState], started_at: datetime) -> Opening:
    newest = _newest(failing)
    return Opening(
        subject=subject,
        severity=_severity(provider, failing),
        started_at=started_at,
        error_code=None if newest is None else newest.last_error,
    )


def _severity(provider: ProviderSeen, failing: Iterable[OfferState]) -> Severity:
    """Return how bad it is: by the most used model concerned, one worse when half of the provider is down."""
    known = provider.known
    is_half = provider.is_down or (len(known) > 1 and len(provider.down) >= _HALF * len(known))
    use = max((_TIERS[provider.tiers.get(state.model, "on_demand")] for state in failing), default=0)
    return SEVERITIES[use + is_half]


def _newest(failing: Iterable[OfferState]) -> OfferState | None:
    failed = [(state.last_failure_at, state) for state in failing if state.last_failure_at is not None]
    return max(failed, key=lambda pair: pair[0])[1] if failed else None
