"""The results as a page: promises, tables, and what every column means."""

from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.kit.figures import Column, Figure, Pick, column, is_held, memory, ratios, reading, start, values
from benchmarks.kit.promises import NEXT_GOALS, PROMISES, Promise, judge
from benchmarks.kit.results import Lists, Reading, Results, Round, Startup
from benchmarks.kit.scenarios import SCENARIOS

__all__ = ["render_page", "render_tables"]

_OUR_NAME: Final = "gatewayz"
_NONE: Final = "-"
_NOT_HELD: Final = " †"


def _p50(one: Reading) -> float:
    return one.load.lat_us.p50


def _p99(one: Reading) -> float:
    return one.load.lat_us.p99


def _ttft_p50(one: Reading) -> float:
    return one.load.ttft_us.p50


def _ttft_p99(one: Reading) -> float:
    return one.load.ttft_us.p99


def _errors(one: Round) -> float:
    return sum(found.load.err for found in one.readings.values())


def _foreign(one: Round) -> float:
    return max((found.foreign_cores for found in one.readings.values()), default=0.0)


def _metered(one: Round) -> float | None:
    """Pick the share of upstream requests that are in the usage log, in percent."""
    if one.usage_rows is None or not one.upstream_requests:
        return None
    return 100.0 * one.usage_rows / one.upstream_requests


_REQUESTS: Final = (
    column("sat req/s", "sat", lambda one: one.load.rps, means="requests a second of one saturated core"),
    column("CPU µs/req", "sat", lambda one: one.cpu_us_per_unit, means="CPU of the gateway's processes per request"),
    column("c1 p50 µs", "c1", _p50, means="latency at one connection"),
    column("c1 p99 µs", "c1", _p99),
    column("100/s p50 µs", "r100", _p50, means="latency at 100 requests a second, counted from when each was due"),
    column("100/s p99 µs", "r100", _p99),
    column("half p50 µs", "half", _p50, means="latency at half of the target's own saturation"),
    column("half p99 µs", "half", _p99),
    column("100 KB req/s", "big", lambda one: one.load.rps, means="requests a second with prompts of 100 KB"),
)
_STREAMS: Final = (
    column("ssat events/s", "ssat", lambda one: one.load.events_s, means="events a second of one saturated core"),
    column("CPU µs/event", "ssat", lambda one: one.cpu_us_per_unit, digits=1, means="at saturation"),
    column("paced events/s", "paced", lambda one: one.load.events_s, means="of about 5,000 offered"),
    column("paced CPU µs/event", "paced", lambda one: one.cpu_us_per_unit, digits=1),
    column("paced TTFT p50 µs", "paced", _ttft_p50, means="time to first event, counted from when the call was due"),
    column("paced TTFT p99 µs", "paced", _ttft_p99),
    column("pace1k TTFT p50 µs", "pace1k", _ttft_p50),
    column("pace1k TTFT p99 µs", "pace1k", _ttft_p99),
)
_PROCESS: Final = (
    Column(title="start s", pick=start, digits=2, means="process start to first 200"),
    Column(title="idle MB", pick=lambda one: one.idle_pss_mb or None, means="memory (PSS) a second after the start"),
    Column(title="after load MB", pick=memory, means="memory (PSS) when all scenarios are over"),
    Column(title="errors", pick=_errors, means="failed or cut-off requests in all scenarios"),
    Column(title="in usage log %", pick=_metered, digits=1, means="requests at the mock that the usage log has"),
    Column(title="foreign cores", pick=_foreign, digits=2, means="most CPU that other processes took meanwhile"),
)
_EXTRA: Final = (
    column("30/s p50 µs", "r30", _p50),
    column("30/s p99 µs", "r30", _p99),
    column("pace240 TTFT p50 µs", "pace240", _ttft_p50),
    column("pace240 TTFT p99 µs", "pace240", _ttft_p99),
)
_TABLES: Final = (("Requests", _REQUESTS), ("Streams", _STREAMS), ("Processes", _PROCESS), ("Slow paces", _EXTRA))


def render_page(results: Results) -> str:
    """Return docs/benchmarks.md."""
    parts = [
        "# Benchmarks",
        _introduction(results),
        "## Promises",
        _promises(PROMISES, results),
        "Next goals:",
        _promises(NEXT_GOALS, results),
        render_tables(results),
        _comparison(results),
        _metering(results),
        _startup(results.startup),
        _lists(results.lists),
        _meanings(),
        _conditions(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def render_tables(results: Results) -> str:
    """Return the tables by kind of scenario; those without a single value are left out."""
    parts = []
    for title, columns in _TABLES:
        shown = [each for each in columns if any(values(results, name, each.pick) for name in results.rounds)]
        if shown:
            parts += [f"## {title}", _table(results, shown)]
    return "\n\n".join(parts)


def _table(results: Results, columns: Sequence[Column]) -> str:
    rows = [[name, *(_cell(results, name, each) for each in columns)] for name in results.rounds]
    return _grid(["target", *(each.title for each in columns)], rows)


def _cell(results: Results, target: str, each: Column) -> str:
    figure = Figure.of(values(results, target, each.pick))
    if figure is None:
        return _NONE
    kept_up = each.scenario is None or is_held(results, target, each.scenario)
    return figure.text(each.digits) + ("" if kept_up else _NOT_HELD)


def _introduction(results: Results) -> str:
    lines = [
        f"Measured {results.date} by `{results.command}`: {_times(results.repetitions)}, targets in turn, each "
        "started afresh. Written by the benchmarks; do not edit.",
        "",
        "One core carries the gateway, another the mock provider and the load generator, all on loopback. Values are "
        "medians with (lowest..highest); † says that the target did not keep up with the pace, so that its latency is "
        "that of a growing queue. Machines are noisy: trust ratios of one run above 1.3, and little else.",
    ]
    if results.scale != 1:
        lines += ["", f"Measured times were scaled by {results.scale:g}: a shorter look than the full run."]
    lines += [f"\nSkipped: {name}: {reason}" for name, reason in results.skipped.items()]
    for name, rounds in results.rounds.items():
        lines += [f"\nA round of {name} broke off: {one.error}" for one in rounds if one.error is not None]
    return "\n".join(lines)


def _times(repetitions: int) -> str:
    return "once" if repetitions == 1 else f"{repetitions} repetitions"


def _promises(promises: Iterable[Promise], results: Results) -> str:
    rows = []
    for promise in promises:
        figure, verdict = judge(promise, results)
        rows.append([promise.name, promise.text, figure.text(promise.digits) if figure else _NONE, verdict])
    return _grid(["promise", "bound", "measured", "verdict"], rows)


_COMPARED: Final[tuple[tuple[str, Pick, bool], ...]] = (
    ("requests/s", reading("sat", lambda one: one.load.rps), True),
    ("p50 at one connection", reading("c1", _p50), False),
    ("events/s at saturation", reading("ssat", lambda one: one.load.events_s), True),
    ("100 KB requests/s", reading("big", lambda one: one.load.rps), True),
    ("memory after load", memory, False),
)


def _comparison(results: Results) -> str:
    """Return how many times better this gateway is than each other target, repetition by repetition."""
    others = [name for name in results.rounds if not name.startswith(_OUR_NAME)]
    if not others or _OUR_NAME not in results.rounds:
        return ""
    rows = []
    for name, pick, is_more_better in _COMPARED:
        row = [name]
        for other in others:
            pair = (_OUR_NAME, other) if is_more_better else (other, _OUR_NAME)
            figure = Figure.of(ratios(results, *pair, pick))
            row.append(figure.text(2) if figure else _NONE)
        rows.append(row)
    return "\n\n".join(
        [
            "## gatewayz against each",
            "How many times better; below 1 is worse.",
            _grid(["", *others], rows),
        ]
    )


def _metering(results: Results) -> str:
    """Return what the usage log, and what prepaid credit with limits cost, as far as they were measured."""
    pick = reading("sat", lambda one: one.cpu_us_per_unit)
    logged = Figure.of(values(results, _OUR_NAME, pick))
    lines: list[str] = []
    if logged is not None and (without := Figure.of(values(results, f"{_OUR_NAME}-unmetered", pick))) is not None:
        lines.append(
            f"The usage log takes {logged.median - without.median:,.0f} µs of CPU a request at saturation "
            f"({logged.text()} with it, {without.text()} without)."
        )
    if logged is not None and (prepaid := Figure.of(values(results, f"{_OUR_NAME}-prepaid", pick))) is not None:
        lines.append(
            f"Prepaid credit (a hold and a charge on the ledger) and limits take {prepaid.median - logged.median:,.0f} "
            f"µs more ({prepaid.text()}); at one connection the answer waits for the disk once, for the hold."
        )
    return "## What metering costs\n\n" + "\n\n".join(lines) if lines else ""


def _startup(startup: Startup | None) -> str:
    if startup is None:
        return ""
    rows = [
        _startup_row("`import gatewayz`", startup.import_package_s, 4, " s"),
        _startup_row("import of all that `serve` needs", startup.import_served_s, 3, " s"),
        _startup_row(
            f"process start to first 200 with {startup.providers} providers switched on",
            startup.first_answer_s,
            2,
            " s",
        ),
        _startup_row("memory (PSS) then", startup.pss_mb, 0, " MB"),
    ]
    heaviest = [[f"`{name}`", f"{ms:,.1f}"] for name, ms in startup.heaviest_imports]
    return "\n\n".join(
        [
            "## Import and start",
            _grid(["", "measured"], rows),
            "Heaviest packages in that import (`python -X importtime`, which slows them down; own modules only):",
            _grid(["package", "ms"], heaviest),
        ]
    )


def _lists(lists: Lists | None) -> str:
    if lists is None:
        return ""
    rows = [_startup_row(name, found, 2, " ms") for name, found in lists.milliseconds.items()]
    return "\n\n".join(
        [
            "## Model lists",
            f"A gateway with {lists.models:,} models; one caller, one connection, answers read whole, after the first.",
            _grid(["", "measured"], rows),
        ]
    )


def _startup_row(name: str, found: Sequence[float], digits: int, unit: str) -> list[str]:
    figure = Figure.of(found)
    return [name, f"{figure.text(digits)}{unit}" if figure else _NONE]


def _meanings() -> str:
    lines = [f"- **{name}**: {scenario.shows}" for name, scenario in SCENARIOS.items()]
    lines += ["", "Columns:", ""]
    lines += [f"- **{each.title}**: {each.means}" for _, columns in _TABLES for each in columns if each.means]
    lines += [
        "",
        "Targets: **direct** is the mock itself, the floor of every latency; **nginx** proxies without buffering, "
        "about the least a proxy costs; **litellm** and **portkey** run with one worker and keep no records; "
        "**gatewayz** authenticates a key from its database, prices every call and writes its usage log to SQLite; "
        "**gatewayz-unmetered** has that log off; **gatewayz-prepaid** also holds and charges prepaid credit and "
        "limits the key, as the gateway ships.",
    ]
    return "## What is measured\n\n" + "\n".join(lines)


def _conditions(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    return (
        "## Conditions\n\n"
        f"{machine.processor}, {machine.cores} cores, {machine.memory_gb:.0f} GB; {machine.system}; "
        f"Python {machine.python}. Versions: {versions}."
    )


def _grid(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(titles), "|" + "---|" * len(titles), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
