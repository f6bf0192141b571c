from pathlib import Path

import msgspec
import pytest

from benchmarks.kit.places import bench_home, filled
from benchmarks.kit.results import LoadResult, read_results, write_results
from tests.fakes.bench_results import STARTUP, results, saturated

PRINTED = (
    b'{"ok":57,"err":1,"short":0,"timeouts":0,"connects":2,"connerr":0,"unsent":3,"rps":57.0,"lat_us":{"mean":1.5,'
    b'"p50":1.0,"p90":2.0,"p99":3.0,"p999":4.0,"max":5.0},"bytes_s":100,"events":0,"events_all":0,"events_s":0.0,'
    b'"ttft_us":{"mean":0.0,"p50":0.0,"p90":0.0,"p99":0.0,"max":0.0},"gap_us":{"p50":0.0,"p90":0.0,"p99":0.0,'
    b'"max":0.0},"lg_cpu":0.50,"status":{"200":57,"500":1}}\n'
)


def test_results_survive_a_file(tmp_path: Path) -> None:
    run = msgspec.structs.replace(results(gatewayz=(saturated(10),)), startup=STARTUP)
    path = tmp_path / "new" / "results.json"
    write_results(path, run)
    assert read_results(path) == run
    assert [each.name for each in path.parent.iterdir()] == ["results.json"]


def test_what_the_load_generator_prints_is_understood() -> None:
    load = msgspec.json.decode(PRINTED, type=LoadResult)
    assert (load.ok, load.unsent, load.lat_us.p999, load.status) == (57, 3, 4.0, {"200": 57, "500": 1})


def test_an_incomplete_print_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"ok":57}', type=LoadResult)


def test_the_home_is_given_or_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    assert bench_home() == tmp_path
    monkeypatch.delenv("BENCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bench_home() == tmp_path / "gatewayz-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert bench_home() == tmp_path / ".cache" / "gatewayz-bench"


@pytest.mark.parametrize("name", ["nginx.conf", "litellm.yaml", "gatewayz.yaml"])
def test_every_place_in_a_configuration_is_filled(name: str) -> None:
    values = dict.fromkeys(("FOLDER", "PORT", "MOCK_PORT", "PLUGINS", "OTHERS", "METERED", "BILLING", "LIMITED"), "x")
    assert "@" not in filled(name, values)
