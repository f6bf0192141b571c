"""What this process takes of its machine, as the kernel tells it. What a system does not tell is None.

Source: proc(5), Linux man-pages 6.9 (statm, meminfo, fd, net/tcp).
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

__all__ = ["ProcessMeter", "ProcessReading"]

T = TypeVar("T")
_MIB: Final = 1024 * 1024
_ESTABLISHED: Final = "01"
_LISTENING: Final = "0A"


class ProcessReading(msgspec.Struct, frozen=True, kw_only=True):
    """One look at this process."""

    rss_mb: float | None
    memory_percent: float | None
    """Of the machine's memory."""
    cpu_percent: float | None
    """Processor time since the look before (the first time: since the start), of one core."""
    load: tuple[float, float, float] | None
    """Of the machine, over 1, 5 and 15 minutes."""
    inbound: int | None
    """Open connections of callers."""
    outbound: int | None
    """Open connections to providers, database and Redis."""
    open_files: int | None


class ProcessMeter:
    """Looks at this process; blocks for as long as reading a few kernel files takes.

    :param proc: where the kernel tells of it.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._looked_at = (0.0, time.monotonic() - time.process_time())

    def read(self) -> ProcessReading:
        """Look once."""
        rss, machine = self._rss(), self._machine_memory()
        inbound, outbound = self._connections()
        return ProcessReading(
            rss_mb=None if rss is None else round(rss / _MIB, 1),
            memory_percent=round(100 * rss / machine, 2) if rss is not None and machine else None,
            cpu_percent=self._cpu_percent(),
            load=_load(),
            inbound=inbound,
            outbound=outbound,
            open_files=_told(lambda: len(os.listdir(self._proc / "self/fd"))),
        )

    def _rss(self) -> int | None:
        return _told(lambda: int((self._proc / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))

    def _machine_memory(self) -> int | None:
        """Return the bytes of the machine, or of the control group when that allows less."""
        limits = (
            _told(lambda: int((self._proc / "meminfo").read_text().split(maxsplit=2)[1]) * 1024),
            _told(lambda: int(Path("/sys/fs/cgroup/memory.max").read_text())),
        )
        return min((limit for limit in limits if limit is not None), default=None)

    def _cpu_percent(self) -> float | None:
        used, now = time.process_time(), time.monotonic()
        (used_before, before), self._looked_at = self._looked_at, (used, now)
        return round(100 * (used - used_before) / (now - before), 1) if now > before else None

    def _connections(self) -> tuple[int | None, int | None]:
        """Return how many are open from callers, and how many to others."""
        own = _told(lambda: set(self._sockets()))
        rows = _told(lambda: list(self._tcp()))
        if own is None or rows is None:
            return None, None
        mine = [(port, state) for port, state, inode in rows if inode in own]
        served = {port for port, state in mine if state == _LISTENING}
        ports = [port for port, state in mine if state == _ESTABLISHED]
        inbound = sum(port in served for port in ports)
        return inbound, len(ports) - inbound

    def _sockets(self) -> Iterator[str]:
        """Yield the inodes of this process's sockets."""
        folder = self._proc / "self/fd"
        for name in os.listdir(folder):
            try:
                target = os.readlink(folder / name)
            except OSError:
                continue  # closed since it was listed
            if target.startswith("socket:["):
                yield target[8:-1]

    def _tcp(self) -> Iterator[tuple[str, str, str]]:
        """Yield local port, state and inode of every socket of the machine's network."""
        for name in ("tcp", "tcp6"):
            path = self._proc / "self/net" / name
            if path.exists():
                for line in path.read_text().splitlines()[1:]:
                    parts = line.split()
                    yield parts[1].rpartition(":")[2], parts[3], parts[9]


def _load() -> tuple[float, float, float] | None:
    if sys.platform == "win32":
        return None
    one, five, fifteen = os.getloadavg()
    return round(one, 2), round(five, 2), round(fifteen, 2)


def _told(read: Callable[[], T]) -> T | None:
    """Return what the kernel tells, None where it does not."""
    try:
        return read()
    except (OSError, ValueError, IndexError):
        return None
