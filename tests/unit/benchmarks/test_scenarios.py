from pathlib import Path

import msgspec
import pytest

from benchmarks.kit.scenarios import DEFAULT_SCENARIOS, SCENARIOS, Load, write_bodies


def test_a_closed_loop_has_no_rate() -> None:
    load = Load(body="plain", connections=64, seconds=3)
    assert load.arguments(scale=0.5, half_rate=700) == ["-c", "64", "-d", "1.50"]


def test_a_stream_says_pace_warm_up_and_events() -> None:
    arguments = SCENARIOS["paced"].load.arguments(scale=1, half_rate=700)
    assert arguments == ["-c", "400", "-d", "3.00", "-r", "48", "-w", "1.2", "-s", "-E", "104"]


def test_half_takes_the_rate_that_was_measured() -> None:
    assert SCENARIOS["half"].load.arguments(scale=1, half_rate=700.4)[-2:] == ["-r", "700"]


@pytest.mark.parametrize(
    ("rate", "requests_per_s", "unsent", "expected"),
    [(None, 1, 5, True), (100.0, 99, 0, True), (100.0, 89, 0, False), (100.0, 99, 1, False), ("half", 46, 0, True)],
)
def test_a_pace_is_held_when_nothing_is_left_over(rate, requests_per_s, unsent, expected) -> None:
    load = Load(body="plain", connections=64, seconds=1, rate=rate)
    assert load.is_held(half_rate=50, requests_per_s=requests_per_s, unsent=unsent) is expected


def test_slow_paces_are_run_only_when_asked_for() -> None:
    assert "r30" not in DEFAULT_SCENARIOS
    assert DEFAULT_SCENARIOS[0] == "sat"  # `half` needs its rate


def test_bodies_are_calls_that_the_mock_understands(tmp_path: Path) -> None:
    paths = write_bodies(tmp_path / "bodies")
    bodies = {name: msgspec.json.decode(path.read_bytes()) for name, path in paths.items()}
    assert "stream" not in bodies["plain"]
    assert bodies["paced"]["stream"] is True
    assert bodies["paced"]["stream_options"] == {"include_usage": True}
    assert bodies["paced"]["messages"][-1]["content"].endswith(" mock:n=100,gap=10,lead=2 ")
    assert 100_000 < paths["big"].stat().st_size < 110_000
    assert {scenario.load.body for scenario in SCENARIOS.values()} == set(bodies)
    assert bodies["plain"]["messages"][-1] == bodies["big"]["messages"][-2]
