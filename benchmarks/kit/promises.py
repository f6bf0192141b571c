"""What the gateway must reach, and whether it did."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from benchmarks.kit.figures import Figure, memory, ratios, reading, start, values
from benchmarks.kit.results import Results

__all__ = ["NEXT_GOALS", "PROMISES", "Promise", "Verdict", "judge"]

Verdict = Literal["reached", "not reached", "not measured"]
_TARGET: Final = "gatewayz"
"""With its usage log on."""


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """A bound on a figure."""

    name: str
    bound: float
    is_floor: bool
    """True: at least `bound`; False: at most."""
    unit: str
    measure: Callable[[Results], Sequence[float]]
    digits: int = 0

    @property
    def text(self) -> str:
        """The bound in words."""
        return f"{'≥' if self.is_floor else '≤'} {self.bound:,g}{self.unit}"


def judge(promise: Promise, results: Results) -> tuple[Figure | None, Verdict]:
    """Return the figure of a promise and whether its median keeps it."""
    figure = Figure.of(promise.measure(results))
    if figure is None:
        return None, "not measured"
    is_kept = figure.median >= promise.bound if promise.is_floor else figure.median <= promise.bound
    return figure, "reached" if is_kept else "not reached"


_REQUESTS: Final = reading("sat", lambda one: one.load.rps)


def _requests(results: Results) -> Sequence[float]:
    return values(results, _TARGET, _REQUESTS)


def _against(peer: str) -> Callable[[Results], Sequence[float]]:
    return lambda results: ratios(results, _TARGET, peer, _REQUESTS)


def _one_connection_ms(results: Results) -> Sequence[float]:
    return values(results, _TARGET, reading("c1", lambda one: one.load.lat_us.p50 / 1000))


def _first_event_ms(results: Results) -> Sequence[float]:
    return values(results, _TARGET, reading("paced", lambda one: one.load.ttft_us.p50 / 1000, only_held=True))


def _paced_cpu_us(results: Results) -> Sequence[float]:
    return values(results, _TARGET, reading("paced", lambda one: one.cpu_us_per_unit))


def _events(results: Results) -> Sequence[float]:
    return values(results, _TARGET, reading("ssat", lambda one: one.load.events_s))


def _big(results: Results) -> Sequence[float]:
    return values(results, _TARGET, reading("big", lambda one: one.load.rps))


def _import_s(results: Results) -> Sequence[float]:
    return results.startup.import_package_s if results.startup else ()


def _import_served_s(results: Results) -> Sequence[float]:
    return results.startup.import_served_s if results.startup else ()


def _first_answer_s(results: Results) -> Sequence[float]:
    return results.startup.first_answer_s if results.startup else ()


def _list_ms(results: Results) -> Sequence[float]:
    return results.lists.milliseconds["all models, gzip"] if results.lists else ()


def _start_s(results: Results) -> Sequence[float]:
    return values(results, _TARGET, start)


def _memory_mb(results: Results) -> Sequence[float]:
    return values(results, _TARGET, memory)


PROMISES: Final = (
    Promise(name="requests a second, metering on", bound=1500, is_floor=True, unit="/s", measure=_requests),
    Promise(
        name="requests a second against LiteLLM",
        bound=15,
        is_floor=True,
        unit=" x",
        measure=_against("litellm"),
        digits=1,
    ),
    Promise(
        name="requests a second against Portkey",
        bound=1.7,
        is_floor=True,
        unit=" x",
        measure=_against("portkey"),
        digits=1,
    ),
    Promise(name="p50 at one connection", bound=0.8, is_floor=False, unit=" ms", measure=_one_connection_ms, digits=2),
    Promise(
        name="time to first event, p50, paced streams",
        bound=2,
        is_floor=False,
        unit=" ms",
        measure=_first_event_ms,
        digits=2,
    ),
    Promise(name="100 KB prompts", bound=1000, is_floor=True, unit="/s", measure=_big),
    Promise(name="`import gatewayz`", bound=0.3, is_floor=False, unit=" s", measure=_import_s, digits=4),
    Promise(
        name="start to first 200, all providers configured",
        bound=2,
        is_floor=False,
        unit=" s",
        measure=_first_answer_s,
        digits=2,
    ),
    Promise(
        name="`/v1/models` with 5,000 models, gzip",
        bound=10,
        is_floor=False,
        unit=" ms",
        measure=_list_ms,
        digits=2,
    ),
    Promise(name="memory after load (PSS)", bound=130, is_floor=False, unit=" MB", measure=_memory_mb),
)
"""Source: the first release's goals."""

NEXT_GOALS: Final = (
    Promise(name="requests a second, metering on", bound=8000, is_floor=True, unit="/s", measure=_requests),
    Promise(name="p50 at one connection", bound=0.3, is_floor=False, unit=" ms", measure=_one_connection_ms, digits=2),
    Promise(
        name="time to first event, p50, paced streams",
        bound=0.6,
        is_floor=False,
        unit=" ms",
        measure=_first_event_ms,
        digits=2,
    ),
    Promise(name="CPU of a paced event", bound=50, is_floor=False, unit=" µs", measure=_paced_cpu_us),
    Promise(name="events a second at saturation", bound=100_000, is_floor=True, unit="/s", measure=_events),
    Promise(name="100 KB prompts", bound=4000, is_floor=True, unit="/s", measure=_big),
    Promise(
        name="import of all that `serve` needs",
        bound=0.3,
        is_floor=False,
        unit=" s",
        measure=_import_served_s,
        digits=2,
    ),
    Promise(name="start to first 200, one provider", bound=0.5, is_floor=False, unit=" s", measure=_start_s, digits=2),
    Promise(name="memory after load (PSS)", bound=90, is_floor=False, unit=" MB", measure=_memory_mb),
)
