"""What becomes of incidents: by example, and for any conditions at all."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.incidents.decide import Decisions, ProviderSeen, decide
from gatewayz.domain.observation.traffic import OfferState
from gatewayz.domain.status.tiers import Tier
from gatewayz.store.incident_records import SEVERITIES, WHOLE, Incident, Opening, Subject

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RECOVER = timedelta(minutes=5)
ONE, TWO, THREE = "x/one", "x/two", "x/three"
Condition = Any


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def state(model: str, condition: Condition, **more: Any) -> OfferState:
    failed = {"last_failure_at": ago(1), "consecutive_failures": 3, "last_error": "UPSTREAM_BROKEN"}
    told: dict[str, Any] = failed if condition == "down" else {"last_success_at": ago(0.5)}
    return OfferState(provider="a", model=model, condition=condition, **{**told, **more})


def seen(*states: OfferState, served: int = 10, is_shut: bool = False, **tiers: Tier) -> Mapping[str, ProviderSeen]:
    named = {ONE: tiers.get("one", "standard"), TWO: tiers.get("two", "standard")}
    return {"a": ProviderSeen(states=states, tiers=named, served=served, is_shut=is_shut)}


def incident(model: str = ONE, **more: Any) -> Incident:
    fields: dict[str, Any] = {"id": 1, "severity": "low", "started_at": ago(10), "updated_at": ago(1), **more}
    return Incident(provider="a", model=model, **fields)


def decided(
    known: Mapping[str, ProviderSeen],
    active: Sequence[Incident] = (),
    ends: Mapping[Subject, datetime] | None = None,
) -> Decisions:
    return decide(known, active, ends or {}, NOW, RECOVER)


def test_an_offer_that_goes_down_is_an_incident_of_its_own() -> None:
    found = decided(seen(state(ONE, "down"), state(TWO, "healthy"), state(THREE, "degraded")))
    opening = Opening(subject=Subject("a", ONE), severity="low", started_at=ago(1), error_code="UPSTREAM_BROKEN")
    assert found.openings == (opening,)


def test_the_only_offer_that_is_called_does_not_tell_of_the_others() -> None:
    assert [each.subject.model for each in decided(seen(state(ONE, "down"))).openings] == [ONE]
    assert [each.subject.model for each in decided(seen(state(ONE, "down"), served=1)).openings] == [WHOLE]


def test_a_provider_that_is_down_as_a_whole_is_one_incident() -> None:
    both = seen(state(ONE, "down", last_failure_at=ago(3)), state(TWO, "down"), state(THREE, "unknown"))
    (opening,) = decided(both).openings
    assert (opening.subject, opening.started_at) == (("a", WHOLE), ago(3))


def test_an_open_breaker_with_failures_is_the_provider_being_out() -> None:
    failing = state(ONE, "degraded", consecutive_failures=1, last_failure_at=ago(1))
    assert decided(seen(failing, state(TWO, "healthy"))).openings == ()
    (opening,) = decided(seen(failing, state(TWO, "healthy"), is_shut=True)).openings
    assert opening.subject == ("a", WHOLE)
    assert decided(seen(state(TWO, "healthy"), is_shut=True)).openings == ()


def test_incidents_of_models_become_a_part_of_the_whole() -> None:
    found = decided(seen(state(ONE, "down"), state(TWO, "down")), [incident(ONE)])
    (opening,) = found.openings
    assert (opening.subject.model, opening.started_at) == (WHOLE, ago(10))
    (part,) = found.after
    assert part.resolved_at == NOW and part.notes and "whole provider" in part.notes


def test_a_provider_that_comes_back_in_part_leaves_incidents_of_models() -> None:
    found = decided(seen(state(ONE, "down"), state(TWO, "healthy")), [incident(WHOLE)])
    assert [each.resolved_at for each in found.after] == [NOW]
    assert [each.subject.model for each in found.openings] == [ONE]


@pytest.mark.parametrize(
    ("tier", "is_half", "severity"),
    [
        ("critical", True, "critical"),
        ("critical", False, "high"),
        ("popular", False, "medium"),
        ("standard", True, "medium"),
        ("on_demand", False, "low"),
    ],
)
def test_severity_is_use_and_how_much_is_down(tier: Tier, is_half: bool, severity: str) -> None:
    others = [state(TWO, "healthy")] if is_half else [state(TWO, "healthy"), state(THREE, "healthy")]
    (opening,) = decided(seen(state(ONE, "down"), *others, one=tier)).openings
    assert opening.severity == severity


def test_an_incident_gets_worse_and_never_less_bad() -> None:
    worse = decided(seen(state(ONE, "down"), state(TWO, "healthy"), one="critical"), [incident()])
    assert worse.after[0].severity == "critical"
    after = decided(seen(state(ONE, "down"), state(TWO, "healthy"), state(THREE, "healthy")), worse.after)
    assert after.after == worse.after


def test_healthy_again_ends_it_at_once() -> None:
    found = decided(seen(state(ONE, "healthy")), [incident()])
    assert (found.after[0].resolved_at, found.after[0].notes, found.openings) == (NOW, None, ())


def test_answering_with_errors_ends_it_after_a_while_and_going_down_starts_that_anew() -> None:
    better = state(ONE, "degraded")
    first = decided(seen(better), [incident()]).after[0]
    assert (first.better_since, first.resolved_at) == (NOW, None)
    waiting = msgspec.structs.replace(first, better_since=ago(4.9))
    assert decided(seen(better), [waiting]).after == (waiting,)
    assert decided(seen(state(ONE, "down")), [waiting]).after[0].better_since is None
    sure = msgspec.structs.replace(first, better_since=ago(5))
    assert decided(seen(better), [sure]).after[0].resolved_at == NOW


def test_silence_is_no_recovery() -> None:
    silent = state(ONE, "degraded", last_success_at=ago(60), last_failure_at=ago(20))
    assert decided(seen(silent), [incident()]).after == (incident(),)


def test_what_is_forgotten_or_not_served_ends_with_a_note() -> None:
    (forgotten,) = decided(seen(state(ONE, "unknown")), [incident()]).after
    (removed,) = decided({}, [incident()]).after
    assert forgotten.resolved_at == removed.resolved_at == NOW
    assert forgotten.notes and "heard" in forgotten.notes and removed.notes and "served" in removed.notes
    (noted,) = decided({}, [incident(notes="Theirs.")]).after
    assert noted.notes == "Theirs."


def test_what_a_person_ended_opens_again_with_the_next_failure_only() -> None:
    down = seen(state(ONE, "down"), state(TWO, "healthy"))
    assert decided(down, ends={Subject("a", ONE): ago(0.5)}).openings == ()
    assert len(decided(down, ends={Subject("a", ONE): ago(2)}).openings) == 1
    whole = seen(state(ONE, "down"), state(TWO, "down"))
    assert decided(whole, ends={Subject("a", WHOLE): ago(0.5)}).openings == ()


moments = st.none() | st.integers(0, 3000).map(lambda minutes: ago(minutes / 2))
offers = st.lists(
    st.builds(
        OfferState,
        provider=st.just("a"),
        model=st.sampled_from([ONE, TWO, THREE]),
        condition=st.sampled_from(["healthy", "degraded", "down", "unknown"]),
        last_success_at=moments,
        last_failure_at=moments,
        consecutive_failures=st.integers(0, 5),
    ),
    unique_by=lambda each: each.model,
)
providers = st.builds(
    ProviderSeen,
    states=offers.map(tuple),
    tiers=st.dictionaries(st.sampled_from([ONE, TWO, THREE]), st.sampled_from(["critical", "popular", "standard"])),
    served=st.integers(1, 5),
    is_shut=st.booleans(),
)
actives = st.lists(
    st.builds(
        Incident,
        id=st.integers(1, 99),
        provider=st.sampled_from("ab"),
        model=st.sampled_from([WHOLE, ONE, TWO, THREE]),
        severity=st.sampled_from(SEVERITIES),
        started_at=st.integers(0, 3000).map(ago),
        better_since=moments,
        updated_at=st.just(NOW),
    ),
    unique_by=lambda each: each.subject,
)
ended = st.dictionaries(
    st.builds(Subject, st.sampled_from("ab"), st.sampled_from([WHOLE, ONE, TWO])), st.integers(0, 3000).map(ago)
)


def still(found: Decisions) -> list[Incident]:
    """Return the incidents under way after the decisions."""
    opened = [
        Incident(
            id=100 + number,
            provider=each.subject.provider,
            model=each.subject.model,
            severity=each.severity,
            started_at=each.started_at,
            error_code=each.error_code,
            updated_at=NOW,
        )
        for number, each in enumerate(found.openings)
    ]
    return [each for each in found.after if each.resolved_at is None] + opened


@given(st.dictionaries(st.sampled_from("ab"), providers), actives, ended)
def test_for_any_conditions(
    known: dict[str, ProviderSeen], active: list[Incident], ends: dict[Subject, datetime]
) -> None:
    found = decided(known, active, ends)
    subjects = [each.subject for each in still(found)]
    assert len(set(subjects)) == len(subjects)
    whole = {provider for provider, model in subjects if model == WHOLE}
    assert not [each for each in subjects if each.provider in whole and each.model != WHOLE]
    assert {each.id for each in found.after} == {each.id for each in active}
    for before in active:
        (after,) = [each for each in found.after if each.subject == before.subject]
        assert SEVERITIES.index(after.severity) >= SEVERITIES.index(before.severity)
        assert after.resolved_at is None or after.resolved_at >= after.started_at
    for opening in found.openings:
        assert opening.started_at <= NOW
        failed = [each.last_failure_at for each in known[opening.subject.provider].failing]
        assert any(at is not None and at > ends.get(opening.subject, ago(9999)) for at in failed)


@given(st.dictionaries(st.sampled_from("ab"), providers), actives, ended)
def test_deciding_again_changes_nothing(
    known: dict[str, ProviderSeen], active: list[Incident], ends: dict[Subject, datetime]
) -> None:
    first = decided(known, active, ends)
    over = {each.subject: each.resolved_at for each in first.after if each.resolved_at is not None}
    again = decided(known, still(first), {**ends, **over})
    assert again.openings == () and list(again.after) == sorted(still(first), key=lambda each: each.model != WHOLE)


@given(st.dictionaries(st.sampled_from("ab"), providers), actives, ended)
def test_when_all_is_well_nothing_is_under_way(
    known: dict[str, ProviderSeen], active: list[Incident], ends: dict[Subject, datetime]
) -> None:
    well = {
        name: msgspec.structs.replace(
            provider,
            is_shut=False,
            states=tuple(
                msgspec.structs.replace(
                    each, condition="healthy", consecutive_failures=0, last_success_at=NOW + timedelta(seconds=1)
                )
                for each in provider.states
            ),
        )
        for name, provider in known.items()
    }
    assert still(decided(well, active, ends)) == []
