"""Reads /proc: process trees, CPU time, memory."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

__all__ = ["busy_s", "cpu_s", "pss_mb", "stolen_s", "tree"]

_PROC: Final = Path("/proc")
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile
            stat = (folder / "stat").read_text()
            children.setdefault(parent_pid(stat), []).append(int(folder.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def parent_pid(stat: str) -> int:
    """Return the parent's id from a line of /proc/PID/stat, whose command name may hold blanks and brackets."""
    return int(stat.rpartition(")")[2].split()[1])


def cpu_s(pids: Iterable[int]) -> float:
    """Return the run time of all threads: from schedstat, which is finer than clock ticks."""
    total_ns = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in (_PROC / str(pid) / "task").iterdir():
                total_ns += int((thread / "schedstat").read_text().split()[0])
    return total_ns / 1e9


def pss_mb(pids: Iterable[int]) -> float:
    """Return memory in MiB, shared pages divided among their users."""
    total_kb = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total_kb += pss_kb((_PROC / str(pid) / "smaps_rollup").read_text())
    return total_kb / 1024


def pss_kb(smaps_rollup: str) -> int:
    """Return the Pss line of a smaps_rollup; 0 without one."""
    for line in smaps_rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def busy_s(cores: Iterable[int], stat: str | None = None) -> float:
    """Return the time these cores were not idle, of all processes together."""
    labels = {f"cpu{core}" for core in cores}
    ticks = 0
    for line in (stat if stat is not None else (_PROC / "stat").read_text()).splitlines():
        label, *values = line.split()
        if label in labels:
            counts = [int(value) for value in values[:7]]  # user nice system idle iowait irq softirq
            ticks += sum(counts) - counts[3] - counts[4]
    return ticks / _TICKS_PER_S


def stolen_s() -> float:
    """Return the time the hypervisor gave to others."""
    return int((_PROC / "stat").read_text().splitlines()[0].split()[8]) / _TICKS_PER_S
