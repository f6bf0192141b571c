"""Runs loads against targets and reads what they cost."""

import http.client
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.kit.gatewayz import count_usage_rows
from benchmarks.kit.proc import busy_s, cpu_s, pss_mb, stolen_s
from benchmarks.kit.processes import GATEWAY_CORE, LOAD_CORE, Process, pinned
from benchmarks.kit.results import LoadResult, Reading, Round
from benchmarks.kit.scenarios import SCENARIOS, BodyName, Load
from benchmarks.kit.targets import TARGETS, Target, Workplace
from benchmarks.kit.tools import Unavailable

__all__ = ["Bench", "RoundFailed", "free_port", "running", "running_mock"]

_LOAD_TIMEOUT_S: Final = 120.0
_POLL_S: Final = 0.005
_SETTLE_S: Final = 1.0
"""Pause after the start and after a warm-up: what the start, or streams cut off at the warm-up's end, leave to be done
is not part of the steady state. The memory it takes is counted all the same."""
_LOWEST_HALF_RATE: Final = 5.0
_FIRST_HALF_RATE: Final = 50.0
"""Rate of `half` where saturation was not measured."""


class RoundFailed(Exception):
    """A target did not start, or a load could not be run."""


class _MockStats(msgspec.Struct, frozen=True):
    """What the mock counts, as far as it is used here."""

    requests: int


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What every round shares."""

    home: Path
    bodies: Mapping[BodyName, Path]
    mock: Process
    mock_port: int
    scale: float = 1.0
    """Multiplies the measured time of every load."""
    may_install: bool = True

    def run_round(self, name: str, scenarios: Sequence[str]) -> Round:
        """Start a target afresh, run the scenarios on it, and stop it.

        Raises Unavailable where the target cannot be had, RoundFailed where it does not work.
        """
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            place = Workplace(
                home=self.home,
                folder=Path(folder),
                mock_port=self.mock_port,
                port=free_port(),
                may_install=self.may_install,
            )
            target = TARGETS[name](place)
            before = self._upstream_requests()
            with running(target, self.bodies["plain"], self.home / f"{name}.log", place.folder) as (process, startup_s):
                done = self._run_scenarios(target, process, scenarios)
            return msgspec.structs.replace(
                done,
                startup_s=startup_s,
                upstream_requests=self._upstream_requests() - before - 1,
                usage_rows=count_usage_rows(target.database) if target.database else None,
            )

    def _run_scenarios(self, target: Target, process: Process | None, scenarios: Sequence[str]) -> Round:
        time.sleep(_SETTLE_S)
        idle_pss_mb = pss_mb(_pids(process))
        half_rate = _FIRST_HALF_RATE
        readings: dict[str, Reading] = {}
        for name in scenarios:
            scenario = SCENARIOS[name]
            if scenario.warm_up is not None:
                self._load(target, scenario.warm_up, half_rate)
                time.sleep(_SETTLE_S)
            readings[name] = self._read(target, process, scenario.load, half_rate)
            if name == "sat":
                half_rate = max(_LOWEST_HALF_RATE, readings[name].load.rps / 2)
        return Round(idle_pss_mb=idle_pss_mb, load_pss_mb=pss_mb(_pids(process)), readings=readings)

    def _read(self, target: Target, process: Process | None, load: Load, half_rate: float) -> Reading:
        cores = {LOAD_CORE, GATEWAY_CORE}
        began, busy, stolen = time.monotonic(), busy_s(cores), stolen_s()
        gateway, mock = cpu_s(_pids(process)), cpu_s(self.mock.pids)
        result = self._load(target, load, half_rate)
        seconds = time.monotonic() - began
        gateway, mock = cpu_s(_pids(process)) - gateway, cpu_s(self.mock.pids) - mock
        units = result.events_all if load.is_stream else result.ok
        return Reading(
            load=result,
            is_held=load.is_held(half_rate=half_rate, requests_per_s=result.rps, unsent=result.unsent),
            gateway_cores=gateway / seconds,
            mock_cores=mock / seconds,
            cpu_us_per_unit=gateway / units * 1e6 if units else 0.0,
            foreign_cores=max(0.0, (busy_s(cores) - busy - gateway - mock) / seconds - result.lg_cpu),
            steal=(stolen_s() - stolen) / seconds,
        )

    def _load(self, target: Target, load: Load, half_rate: float) -> LoadResult:
        command = [str(self.home / "lg"), "-p", str(target.port), "-P", target.path, "-b", str(self.bodies[load.body])]
        for name, value in target.headers.items():
            command += ["-h", f"{name}: {value}"]
        command += load.arguments(scale=self.scale, half_rate=half_rate)
        try:
            done = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, timeout=_LOAD_TIMEOUT_S, check=True)
            return msgspec.json.decode(done.stdout, type=LoadResult)
        except (subprocess.SubprocessError, msgspec.MsgspecError) as err:
            raise RoundFailed(f"the load generator failed: {err}") from err

    def _upstream_requests(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.mock_port, timeout=5)
        try:
            connection.request("GET", "/__stats")
            return msgspec.json.decode(connection.getresponse().read(), type=_MockStats).requests
        finally:
            connection.close()


@contextmanager
def running_mock(home: Path) -> Iterator[tuple[Process, int]]:
    """Run the mock provider: yields its process and port. Raises Unavailable when it does not listen."""
    port = free_port()
    command = [str(home / "mock"), "-p", str(port), "-d", "n=100"]
    process = Process(command, core=LOAD_CORE, log=home / "mock.log", cwd=home)
    try:
        for _ in range(400):
            if _answers(port):
                break
            time.sleep(_POLL_S)
        else:
            raise Unavailable(f"the mock provider does not listen: {process.log_end()}")
        yield process, port
    finally:
        process.stop()


@contextmanager
def running(target: Target, body: Path, log: Path, cwd: Path) -> Iterator[tuple[Process | None, float]]:
    """Run a target: yields its process, and the seconds from its start to the first 200. Raises RoundFailed."""
    if not target.command:
        yield None, _await_answer(target, None, body.read_bytes())
        return
    process = Process(target.command, core=GATEWAY_CORE, log=log, cwd=cwd, environment=target.environment)
    try:
        yield process, _await_answer(target, process, body.read_bytes())
    finally:
        process.stop()


def _await_answer(target: Target, process: Process | None, body: bytes) -> float:
    """Return the seconds to the first 200 with a usage record in it. Raises RoundFailed."""
    began = time.monotonic()
    while True:
        try:
            status, answer = _ask(target, body)
            if status == http.client.OK and b'"usage"' in answer:
                return time.monotonic() - began
            last = f"{status} {answer[:200]!r}"
        except (OSError, http.client.HTTPException) as err:
            last = str(err)
        if process is not None and not process.is_running:
            raise RoundFailed(f"it ended by itself: {process.log_end()}")
        if time.monotonic() - began > target.start_timeout_s:
            raise RoundFailed(f"no good answer in {target.start_timeout_s:g} s: {last}")
        time.sleep(_POLL_S)


def _ask(target: Target, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
    try:
        connection.request("POST", target.path, body, {**target.headers, "content-type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _pids(process: Process | None) -> list[int]:
    return process.pids if process is not None else []


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
