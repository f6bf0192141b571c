from datetime import UTC, datetime, timedelta

from gatewayz.config.sections.observing import Conditions
from gatewayz.domain.health.uptime import Slot, grouped, history_of

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(hours=24)
RULES = Conditions()


def slot(hour: int, good: int, bad: int, provider: str = "a", model: str = "m") -> Slot:
    return Slot(START + timedelta(hours=hour), 60, provider, model, good, bad)


def test_nothing_seen_claims_nothing() -> None:
    found = history_of([slot(0, 0, 0)], NOW, RULES)
    assert (found.uptime_percentage, found.last_checked, found.samples) == (None, None, [])
    assert found.incident_summary.worst_status is None and found.incident_summary.mttr_minutes is None


def test_samples_are_judged_by_their_share_of_failures_over_all_offers() -> None:
    found = history_of([slot(0, 90, 0), slot(0, 0, 9, model="n"), slot(1, 9, 1), slot(2, 1, 1)], NOW, RULES)
    assert [each.status for each in found.samples] == ["operational", "degraded", "downtime"]
    assert [each.incident for each in found.samples] == [None, "1 of 10 calls failed", "1 of 2 calls failed"]
    assert found.uptime_percentage == round(100 * 100 / 111, 2)


def test_neighbours_are_one_incident_and_a_gap_or_a_good_hour_ends_it() -> None:
    slots = [slot(0, 0, 1), slot(1, 0, 1), slot(2, 5, 0), slot(3, 0, 1), slot(23, 9, 1)]
    summary = history_of([*slots[:4], slot(4, 5, 0), slots[4]], NOW, RULES).incident_summary
    assert (summary.total_incidents, summary.worst_status) == (3, "downtime")
    assert summary.mttr_minutes == 80.0


def test_an_incident_that_goes_on_has_no_length_yet() -> None:
    found = history_of([slot(0, 0, 1)], START + timedelta(minutes=30), RULES)
    assert found.incident_summary.total_incidents == 1 and found.incident_summary.mttr_minutes is None


def test_slots_are_grouped_whatever_their_order() -> None:
    found = grouped([slot(0, 1, 0, "b"), slot(0, 1, 0, "a"), slot(1, 1, 0, "b")], lambda each: (each.provider,))
    assert {name: len(group) for name, group in found.items()} == {("a",): 1, ("b",): 2}
