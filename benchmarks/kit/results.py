"""What a run of the benchmarks found, as written to and read from a results file."""

from pathlib import Path

import msgspec

__all__ = [
    "Latency",
    "Lists",
    "LoadResult",
    "Machine",
    "Reading",
    "Results",
    "Round",
    "Startup",
    "read_results",
    "write_results",
]


class _Value(msgspec.Struct, kw_only=True, frozen=True):
    """A value that never changes."""


class Latency(_Value, kw_only=True, frozen=True):
    """Percentiles in microseconds."""

    mean: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    max: float = 0.0


class LoadResult(_Value, kw_only=True, frozen=True):
    """What the load generator prints. Counts are of the measured window, without its warm-up."""

    ok: int
    err: int
    short: int
    """Streams with fewer events than promised; part of `err`."""
    timeouts: int
    connects: int
    connerr: int
    unsent: int
    """Requests of an open loop that were due but never sent: the target did not keep up."""
    rps: float
    lat_us: Latency
    bytes_s: float
    events: int
    events_all: int
    """Events including the warm-up."""
    events_s: float
    ttft_us: Latency
    gap_us: Latency
    lg_cpu: float
    """Cores the load generator used."""
    status: dict[str, int]


class Reading(_Value, kw_only=True, frozen=True):
    """One scenario on one target."""

    load: LoadResult
    is_held: bool
    """False when an open loop asked for more than the target could do, so that its latencies are a queue's."""
    gateway_cores: float
    mock_cores: float
    cpu_us_per_unit: float
    """CPU of the target's process tree per request, or per event of a stream."""
    foreign_cores: float
    """What other processes used on the two cores."""
    steal: float
    """Share of the time that the hypervisor took."""


class Round(_Value, kw_only=True, frozen=True):
    """All scenarios on one fresh start of a target."""

    startup_s: float = 0.0
    """Process start to first 200."""
    idle_pss_mb: float = 0.0
    load_pss_mb: float = 0.0
    readings: dict[str, Reading] = {}
    upstream_requests: int = 0
    """Requests that reached the mock, warm-ups included."""
    usage_rows: int | None = None
    """Rows of the usage log; None where the target has none."""
    error: str | None = None
    """Why the round broke off."""


class Startup(_Value, kw_only=True, frozen=True):
    """Import and start of the gateway, several times each."""

    import_package_s: tuple[float, ...]
    import_served_s: tuple[float, ...]
    """Import of all that `gatewayz serve` needs."""
    heaviest_imports: tuple[tuple[str, float], ...]
    """Package and the milliseconds its own modules took, the heaviest first."""
    providers: int
    """Providers switched on for `first_answer_s`."""
    first_answer_s: tuple[float, ...]
    pss_mb: tuple[float, ...]
    """Memory after the first answer, with all these providers."""


class Lists(_Value, kw_only=True, frozen=True):
    """The model lists of a gateway with many models."""

    models: int
    milliseconds: dict[str, tuple[float, ...]]
    """What was asked to how long each answer took, read whole."""


class Machine(_Value, kw_only=True, frozen=True):
    """Where it was measured."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str


class Results(_Value, kw_only=True, frozen=True):
    """A whole run."""

    date: str
    command: str
    repetitions: int
    scale: float
    machine: Machine
    versions: dict[str, str]
    skipped: dict[str, str] = {}
    """Target to the reason why it was left out."""
    rounds: dict[str, tuple[Round, ...]] = {}
    startup: Startup | None = None
    lists: Lists | None = None


def read_results(path: Path) -> Results:
    """Read a results file. Raises OSError or msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def write_results(path: Path, results: Results) -> None:
    """Write a results file whole, so that a reader never sees half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    part.replace(path)
