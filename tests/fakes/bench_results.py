"""Results of benchmarks as tests need them: one scenario value at a time."""

import msgspec

from benchmarks.kit.results import Latency, Lists, LoadResult, Machine, Reading, Results, Round, Startup

LOAD = LoadResult(
    ok=100,
    err=0,
    short=0,
    timeouts=0,
    connects=1,
    connerr=0,
    unsent=0,
    rps=100.0,
    lat_us=Latency(p50=500.0, p99=900.0),
    bytes_s=0.0,
    events=0,
    events_all=0,
    events_s=0.0,
    ttft_us=Latency(),
    gap_us=Latency(),
    lg_cpu=0.1,
    status={"200": 100},
)
MACHINE = Machine(processor="A processor", cores=2, memory_gb=8.0, system="An OS", python="3.11.7")
STARTUP = Startup(
    import_package_s=(0.01, 0.02, 0.03),
    import_served_s=(0.4, 0.5),
    heaviest_imports=(("sqlalchemy", 120.5), ("quart", 80.0)),
    providers=37,
    first_answer_s=(1.5, 1.6, 2.5),
    pss_mb=(90.0,),
)
LISTS = Lists(models=5000, milliseconds={"all models, gzip": (0.8, 0.9, 30.0), "search": (5.0,)})


def reading(load: LoadResult = LOAD, *, is_held: bool = True, cpu_us: float = 100.0) -> Reading:
    return Reading(
        load=load,
        is_held=is_held,
        gateway_cores=1.0,
        mock_cores=0.1,
        cpu_us_per_unit=cpu_us,
        foreign_cores=0.05,
        steal=0.0,
    )


def saturated(requests_per_s: float, **other: Reading) -> Round:
    found = reading(msgspec.structs.replace(LOAD, rps=requests_per_s), cpu_us=1e6 / requests_per_s)
    return Round(startup_s=0.5, idle_pss_mb=60.0, load_pss_mb=80.0, readings={"sat": found, **other})


def results(**rounds: tuple[Round, ...]) -> Results:
    return Results(
        date="2026-11-25",
        command="benchmarks/run.sh",
        repetitions=1,
        scale=1.0,
        machine=MACHINE,
        versions={"gatewayz": "0.1.0"},
        rounds={name.replace("_", "-"): each for name, each in rounds.items()},
    )
