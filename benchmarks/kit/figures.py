"""Numbers out of results: one value per round, medians and spreads, as words."""

import statistics
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.kit.results import Reading, Results, Round

__all__ = ["Column", "Figure", "column", "is_held", "memory", "ratios", "reading", "start", "values"]

Pick = Callable[[Round], float | None]
"""A value of a round; None where it was not measured."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A value over the repetitions."""

    median: float
    lowest: float
    highest: float
    count: int

    @classmethod
    def of(cls, found: Sequence[float]) -> "Figure | None":
        """Return the figure of some values; None without any."""
        if not found:
            return None
        return cls(median=statistics.median(found), lowest=min(found), highest=max(found), count=len(found))

    def text(self, digits: int = 0) -> str:
        """Return `median (lowest..highest)`, the brackets only where there was more than one value."""
        text = f"{self.median:,.{digits}f}"
        return f"{text} ({self.lowest:,.{digits}f}..{self.highest:,.{digits}f})" if self.count > 1 else text


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a table."""

    title: str
    pick: Pick
    digits: int = 0
    means: str = ""
    scenario: str | None = None


def column(title: str, scenario: str, of: Callable[[Reading], float], *, digits: int = 0, means: str = "") -> Column:
    """Return the column of a value in a scenario."""
    return Column(title=title, pick=reading(scenario, of), digits=digits, means=means, scenario=scenario)


def reading(scenario: str, of: Callable[[Reading], float], *, only_held: bool = False) -> Pick:
    """Return a picker of a scenario's value; `only_held` leaves out loads that the target did not keep up with."""

    def pick(one: Round) -> float | None:
        found = one.readings.get(scenario)
        if found is None or (only_held and not found.is_held):
            return None
        return of(found) or None  # 0 where nothing was counted: no process of ours, no first event in time

    return pick


def start(one: Round) -> float | None:
    """Pick the seconds from process start to first 200; None for what runs already."""
    return one.startup_s if one.idle_pss_mb else None


def memory(one: Round) -> float | None:
    """Pick the memory after load in MiB; None for what is not a process of ours."""
    return one.load_pss_mb or None


def values(results: Results, target: str, pick: Pick) -> list[float]:
    """Return the values of all rounds that have one."""
    picked = [pick(one) for one in results.rounds.get(target, ()) if one.error is None]
    return [value for value in picked if value is not None]


def ratios(results: Results, target: str, peer: str, pick: Pick) -> list[float]:
    """Return target divided by peer, repetition by repetition, so that a slow spell of the machine meets both."""
    pairs = zip(results.rounds.get(target, ()), results.rounds.get(peer, ()), strict=False)
    found = [(pick(ours), pick(theirs)) for ours, theirs in pairs if ours.error is None and theirs.error is None]
    return [ours / theirs for ours, theirs in found if ours is not None and theirs]


def is_held(results: Results, target: str, scenario: str) -> bool:
    """Tell whether a target kept up with a scenario's pace in every round that had it."""
    rounds = results.rounds.get(target, ())
    return all(one.readings[scenario].is_held for one in rounds if scenario in one.readings)
