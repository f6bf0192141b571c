"""Against the real mock and load generator, where a C compiler and taskset are."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.kit.measure import Bench, RoundFailed, running, running_mock
from benchmarks.kit.scenarios import write_bodies
from benchmarks.kit.targets import Target
from benchmarks.kit.tools import compile_tools

pytestmark = pytest.mark.skipif(
    not (shutil.which("cc") and shutil.which("taskset")), reason="takes a C compiler and taskset"
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    home = tmp_path_factory.mktemp("bench")
    compile_tools(home)
    bodies = write_bodies(home / "bodies")
    with running_mock(home) as (mock, port):
        yield Bench(home=home, bodies=bodies, mock=mock, mock_port=port, scale=0.1)


def test_a_round_reads_every_scenario(bench: Bench) -> None:
    one = bench.run_round("direct", ["c1", "r100"])
    assert set(one.readings) == {"c1", "r100"}
    closed, opened = one.readings["c1"].load, one.readings["r100"].load
    assert closed.ok > 10
    assert closed.err == opened.err == 0
    assert closed.status.keys() == {"200"}
    assert opened.ok == pytest.approx(25, abs=2)
    assert one.upstream_requests >= closed.ok + opened.ok
    assert one.idle_pss_mb == 0
    assert one.usage_rows is None


def test_a_target_that_ends_by_itself_is_reported_with_its_last_words(bench: Bench, tmp_path: Path) -> None:
    target = Target(port=1, command=(sys.executable, "-c", "raise SystemExit('no such thing')"))
    with (
        pytest.raises(RoundFailed, match="no such thing"),
        running(target, bench.bodies["plain"], tmp_path / "log", tmp_path),
    ):
        pass


def test_a_target_that_never_answers_is_given_up(bench: Bench, tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(30)")
    target = Target(port=1, command=command, start_timeout_s=0.3)
    with (
        pytest.raises(RoundFailed, match=r"no good answer in 0\.3 s"),
        running(target, bench.bodies["plain"], tmp_path / "log", tmp_path),
    ):
        pass
