import os
import subprocess
import sys
import time

from benchmarks.kit.proc import busy_s, cpu_s, parent_pid, pss_kb, pss_mb, tree


def test_the_parent_is_found_behind_a_hostile_name() -> None:
    assert parent_pid("77 (a) S 3 (b) R 42 77 77 0 -1") == 42


def test_pss_is_read_without_the_lines_beside_it() -> None:
    text = "55 7ff ---p 0 00:00 0 [rollup]\nRss: 9000 kB\nPss: 4096 kB\nPss_Anon: 1 kB\n"
    assert pss_kb(text) == 4096
    assert pss_kb("") == 0


def test_busy_time_counts_only_the_given_cores_and_no_idling() -> None:
    stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 100 0 50 1000 20 3 2 0 0 0\ncpu1 7 0 0 9 0 0 0 0 0 0\ncpu11 5 5 5 5 5 5 5\n"
    ticks = os.sysconf("SC_CLK_TCK")
    assert busy_s([0], stat) == 155 / ticks
    assert busy_s([0, 1], stat) == 162 / ticks


def test_a_tree_has_the_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        deadline = time.monotonic() + 10
        while len(found := tree(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found[0] == process.pid
        assert len(found) == 2
        process.communicate(b"\n")


def test_this_process_has_memory_and_run_time() -> None:
    assert pss_mb([os.getpid()]) > 1
    assert cpu_s([os.getpid()]) > 0


def test_a_process_that_is_gone_counts_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert pss_mb([process.pid]) == cpu_s([process.pid]) == 0
