import msgspec

from benchmarks.kit.report import render_page, render_tables
from benchmarks.kit.results import Round
from tests.fakes.bench_results import LISTS, STARTUP, reading, results, saturated


def _cells(text: str, first: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def _full() -> str:
    run = results(
        direct=(saturated(90_000),),
        litellm=(saturated(100, paced=reading(is_held=False)),),
        portkey=(saturated(800),),
        gatewayz=(msgspec.structs.replace(saturated(2000, paced=reading()), upstream_requests=1000, usage_rows=1000),),
        gatewayz_unmetered=(saturated(2500),),
    )
    run = msgspec.structs.replace(run, startup=STARTUP, lists=LISTS, skipped={"nginx": "nginx is not installed"})
    return render_page(run)


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    widths: list[int] = []
    for line in _full().splitlines():
        if not line.startswith("|"):
            widths = []
            continue
        widths.append(line.count("|"))
        assert widths[0] == widths[-1], line


def test_the_model_lists_have_a_table_and_a_promise() -> None:
    page = _full()
    assert _cells(page, "search") == ["search", "5.00 ms"]
    assert _cells(page, "`/v1/models` with 5,000 models, gzip")[1:] == ["≤ 10 ms", "0.90 (0.80..30.00)", "reached"]


def test_the_page_gives_promise_bound_measurement_and_verdict() -> None:
    page = _full()
    assert _cells(page, "requests a second, metering on") == [
        "requests a second, metering on", "≥ 1,500/s", "2,000", "reached",
    ]  # fmt: skip
    assert _cells(page, "requests a second against LiteLLM")[2:] == ["20.0", "reached"]
    assert _cells(page, "100 KB prompts")[2:] == ["-", "not measured"]


def test_skipped_targets_are_named_with_the_reason() -> None:
    assert "Skipped: nginx: nginx is not installed" in _full()


def test_broken_rounds_are_named() -> None:
    page = render_page(results(litellm=(Round(error="it ended by itself"), saturated(90))))
    assert "A round of litellm broke off: it ended by itself" in page
    assert _cells(page, "litellm")[1] == "90"


def test_a_pace_that_was_not_held_is_marked() -> None:
    tables = render_tables(
        results(
            slow=(saturated(100, r100=reading(is_held=False)),),
            fast=(saturated(100, r100=reading()),),
        )
    )
    assert "500 †" in _cells(tables, "slow")
    assert "500" in _cells(tables, "fast")


def test_metering_is_the_difference_in_cpu() -> None:
    assert "takes 100 µs of CPU a request" in _full()  # 500 with, 400 without


def test_the_comparison_says_how_many_times_better() -> None:
    page = _full()
    part = page[page.index("## gatewayz against each") :]
    assert _cells(part, "requests/s") == ["requests/s", "0.02", "20.00", "2.50"]
    assert _cells(part, "memory after load")[1:] == ["1.00", "1.00", "1.00"]


def test_tables_without_a_value_are_left_out() -> None:
    tables = render_tables(results(gatewayz=(saturated(1),)))
    assert "## Requests" in tables
    assert "## Streams" not in tables
    assert "## Slow paces" not in tables


def test_imports_and_starts_are_shown() -> None:
    page = _full()
    page = page[page.index("## Import and start") :]
    assert _cells(page, "`import gatewayz`")[1] == "0.0200 (0.0100..0.0300) s"
    assert _cells(page, "process start to first 200 with 37 providers switched on")[1] == "1.60 (1.50..2.50) s"
    assert _cells(page, "`sqlalchemy`")[1] == "120.5"


def test_a_scaled_run_says_so() -> None:
    run = results(gatewayz=(saturated(1),))
    assert "scaled" not in render_page(run)
    assert "scaled by 0.5" in render_page(msgspec.structs.replace(run, scale=0.5))


def test_no_results_still_make_a_page() -> None:
    assert "not measured" in render_page(results())
