"""Compares gateways on one core against a mock provider, and writes docs/benchmarks.md."""

import argparse
import shlex
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec

from benchmarks.kit.facts import read_machine, read_versions, today
from benchmarks.kit.lists import measure_lists
from benchmarks.kit.measure import Bench, RoundFailed, running_mock
from benchmarks.kit.places import PROJECT, bench_home
from benchmarks.kit.report import render_page, render_tables
from benchmarks.kit.results import Results, Round, read_results, write_results
from benchmarks.kit.scenarios import DEFAULT_SCENARIOS, SCENARIOS, write_bodies
from benchmarks.kit.startup import measure_startup
from benchmarks.kit.targets import TARGETS
from benchmarks.kit.tools import Unavailable, compile_tools

__all__ = ["main", "shown_command"]

_REPORT: Final = PROJECT / "docs" / "benchmarks.md"
_PATH_OPTIONS: Final = ("--out", "--report", "--show")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns the exit code: 1 when nothing could be measured."""
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, _leave)  # so that what was started is ended
    home = bench_home()
    if options.show is not None:
        results = read_results(options.show)
    else:
        try:
            results = _run(options, home)
        except Unavailable as err:
            print(f"cannot measure: {err}", file=sys.stderr)
            return 1
    print(f"\n{render_tables(results)}")
    if options.report is not None:
        options.report.write_text(render_page(results))
        print(f"\nwritten: {options.report}")
    return 0 if results.rounds else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.sh", description=__doc__)
    parser.add_argument("--targets", type=_names(TARGETS), default=list(TARGETS), help=f"of {','.join(TARGETS)}")
    parser.add_argument(
        "--scenarios", type=_names(SCENARIOS), default=list(DEFAULT_SCENARIOS), help=f"of {','.join(SCENARIOS)}"
    )
    parser.add_argument("--reps", type=int, default=3, help="repetitions, the targets in turn in each (3)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies every measured time (1)")
    parser.add_argument("--out", type=Path, help="results file; BENCH_HOME/results.json by default")
    parser.add_argument("--report", type=Path, default=_REPORT, help="page to write (docs/benchmarks.md)")
    parser.add_argument("--no-report", dest="report", action="store_const", const=None, help="write no page")
    parser.add_argument("--no-install", action="store_true", help="leave out peers that are not installed")
    parser.add_argument("--no-startup", action="store_true", help="leave out imports and starts")
    parser.add_argument("--no-lists", action="store_true", help="leave out the model lists")
    parser.add_argument("--show", type=Path, metavar="RESULTS", help="measure nothing; render a results file")
    options = parser.parse_args(arguments)
    options.given = sys.argv[1:] if arguments is None else list(arguments)
    return options


def shown_command(arguments: Sequence[str]) -> str:
    """Return the command to repeat a run, without the places of its files, which mean nothing elsewhere."""
    shown, is_value = [], False
    for word in arguments:
        if word in _PATH_OPTIONS:
            is_value = True
        elif is_value:
            is_value = False
        elif word.partition("=")[0] not in _PATH_OPTIONS:
            shown.append(word)
    return shlex.join(["benchmarks/run.sh", *shown])


def _names(known: Iterable[str]) -> "_Names":
    return _Names(tuple(known))


class _Names:
    """A list of known names, separated by commas."""

    def __init__(self, known: tuple[str, ...]) -> None:
        self._known = known

    def __call__(self, text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in self._known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(self._known)}")
        return names


def _run(options: argparse.Namespace, home: Path) -> Results:
    """Measure, saving after every round. Raises Unavailable when the tools cannot be had."""
    home.mkdir(parents=True, exist_ok=True)
    compile_tools(home)
    bodies = write_bodies(home / "bodies")
    out = options.out or home / "results.json"
    results = Results(
        date=today(),
        command=shown_command(options.given),
        repetitions=options.reps,
        scale=options.scale,
        machine=read_machine(),
        versions={},
    )
    with running_mock(home) as (mock, port):
        bench = Bench(
            home=home, bodies=bodies, mock=mock, mock_port=port, scale=options.scale, may_install=not options.no_install
        )
        for repetition in range(options.reps):
            for name in options.targets:
                if name not in results.skipped:
                    results = _add_round(results, bench, name, options.scenarios, repetition)
                    write_results(out, results)
        if not options.no_startup:
            results = _add_startup(results, bodies["plain"], home, port)
        if not options.no_lists:
            results = _add_lists(results, bodies["plain"], home, port)
    results = msgspec.structs.replace(results, versions=read_versions(home))
    write_results(out, results)
    return results


def _add_round(results: Results, bench: Bench, name: str, scenarios: Sequence[str], repetition: int) -> Results:
    try:
        one = bench.run_round(name, scenarios)
    except Unavailable as err:
        print(f"skipped {name}: {err}", file=sys.stderr, flush=True)
        return msgspec.structs.replace(results, skipped={**results.skipped, name: str(err)})
    except RoundFailed as err:
        print(f"broke off {name}: {err}", file=sys.stderr, flush=True)
        one = Round(error=str(err))
    else:
        print(f"{repetition + 1}/{results.repetitions} {name:20s} {_summary(one)}", flush=True)
    rounds = {**results.rounds, name: (*results.rounds.get(name, ()), one)}
    return msgspec.structs.replace(results, rounds=rounds)


def _summary(one: Round) -> str:
    """Return one line about a round: of each scenario its first figure."""
    words = []
    for name, found in one.readings.items():
        load = SCENARIOS[name].load
        mark = "" if found.is_held else "†"
        if load.is_stream and load.rate is not None:
            words.append(f"{name} ttft {found.load.ttft_us.p50 / 1000:,.2f}{mark} ms")
        elif load.is_stream:
            words.append(f"{name} {found.load.events_s:,.0f} ev/s")
        elif load.rate is not None or load.connections == 1:
            words.append(f"{name} {found.load.lat_us.p50 / 1000:,.2f}{mark} ms")
        else:
            words.append(f"{name} {found.load.rps:,.0f}/s")
    errors = sum(found.load.err for found in one.readings.values())
    words.append(f"start {one.startup_s:.2f} s, {one.load_pss_mb:.0f} MB, {errors} errors")
    return " · ".join(words)


def _add_startup(results: Results, body: Path, home: Path, mock_port: int) -> Results:
    try:
        return msgspec.structs.replace(results, startup=measure_startup(body, home, mock_port))
    except (Unavailable, RoundFailed) as err:
        print(f"skipped start-up: {err}", file=sys.stderr, flush=True)
        return msgspec.structs.replace(results, skipped={**results.skipped, "start-up": str(err)})


def _add_lists(results: Results, body: Path, home: Path, mock_port: int) -> Results:
    try:
        return msgspec.structs.replace(results, lists=measure_lists(body, home, mock_port))
    except (Unavailable, RoundFailed) as err:
        print(f"skipped model lists: {err}", file=sys.stderr, flush=True)
        return msgspec.structs.replace(results, skipped={**results.skipped, "model lists": str(err)})


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(1)
