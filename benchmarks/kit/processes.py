"""Starts what is measured on a core of its own, and ends it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.kit.proc import tree

__all__ = ["GATEWAY_CORE", "LOAD_CORE", "Process", "clean_environment", "pinned"]

LOAD_CORE: Final = 0
"""Of mock and load generator."""
GATEWAY_CORE: Final = 1 if (os.cpu_count() or 1) > 1 else 0
_STOP_S: Final = 8.0
# Linux autogroup makes nice count only inside one session, so the session's group gets the same value too.
_URGENT: Final = 'echo -20 2>/dev/null > /proc/self/autogroup; exec nice -n -20 "$@"'


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """Return the command on one core; with root before all other processes, so that they hardly delay it."""
    on_core = ["taskset", "-c", str(core), *command]
    return ["sh", "-c", _URGENT, "sh", *on_core] if os.geteuid() == 0 else on_core


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment with compiled bytecode allowed, so that start-up times compare."""
    environment = {**os.environ, **(extra or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


class Process:
    """A process in a session of its own, pinned to a core, writing to a log file."""

    def __init__(
        self, command: Sequence[str], *, core: int, log: Path, cwd: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        with log.open("wb") as out:
            self._popen = subprocess.Popen(
                pinned(core, command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=clean_environment(environment),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pids(self) -> list[int]:
        """The process and its descendants."""
        return tree(self._popen.pid)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._popen.poll() is None

    def log_end(self, length: int = 400) -> str:
        """Return the last characters of its log."""
        return self.log.read_text(errors="replace")[-length:].strip()

    def stop(self) -> None:
        """End it and all it started: asked first, then killed."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            try:
                self._popen.wait(_STOP_S)
                break
            except subprocess.TimeoutExpired:
                continue
        self._signal(signal.SIGKILL)  # children that outlived it

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)
