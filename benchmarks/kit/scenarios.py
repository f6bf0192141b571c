"""The loads: what is asked, how often, for how long, and what each shows."""

from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from benchmarks.kit.places import BENCHMARKS

__all__ = ["DEFAULT_SCENARIOS", "SCENARIOS", "BodyName", "Load", "Scenario", "write_bodies"]

BodyName = Literal["plain", "stream", "paced", "slow", "big"]
Rate = float | Literal["half"] | None
_HELD_RATIO: Final = 0.9
_FILLER_LINES: Final = 100
"""Lines of about 1 KB in the long prompt."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the load generator."""

    body: BodyName
    connections: int
    seconds: float
    warm_s: float = 0.0
    """Seconds before the measured window."""
    rate: Rate = None
    """Requests begun a second (open loop); `half`: of the target's own saturation; None: closed loop."""
    is_stream: bool = False
    events: int = 0
    """Events a stream must have, or it counts as an error."""

    def arguments(self, *, scale: float, half_rate: float) -> list[str]:
        """Return the arguments for the load generator; `scale` multiplies the measured time."""
        words = ["-c", str(self.connections), "-d", f"{self.seconds * scale:.2f}"]
        rate = self.rate_per_s(half_rate)
        if rate is not None:
            words += ["-r", f"{rate:.0f}"]
        if self.warm_s:
            words += ["-w", f"{self.warm_s:g}"]
        if self.is_stream:
            words.append("-s")
        if self.events:
            words += ["-E", str(self.events)]
        return words

    def rate_per_s(self, half_rate: float) -> float | None:
        """Return the requests begun a second; None in a closed loop."""
        return half_rate if self.rate == "half" else self.rate

    def is_held(self, *, half_rate: float, requests_per_s: float, unsent: int) -> bool:
        """Tell whether a target kept up with an open loop."""
        rate = self.rate_per_s(half_rate)
        return rate is None or (unsent == 0 and requests_per_s >= _HELD_RATIO * rate)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A load and what it shows."""

    load: Load
    shows: str
    warm_up: Load | None = None
    is_default: bool = True


_STREAM: Final = Load(body="stream", connections=50, seconds=3, is_stream=True, events=104)

SCENARIOS: Final[dict[str, Scenario]] = {
    "sat": Scenario(
        load=Load(body="plain", connections=64, seconds=3),
        warm_up=Load(body="plain", connections=64, seconds=2),
        shows="64 connections, closed loop: requests a second of one saturated core, CPU per request",
    ),
    "c1": Scenario(
        load=Load(body="plain", connections=1, seconds=1.5),
        warm_up=Load(body="plain", connections=1, seconds=1),
        shows="1 connection, closed loop: latency without queueing",
    ),
    "r100": Scenario(
        load=Load(body="plain", connections=64, rate=100.0, seconds=2.5),
        shows="100 requests a second, open loop: latency at the same low rate for all",
    ),
    "half": Scenario(
        load=Load(body="plain", connections=64, rate="half", seconds=3),
        shows="half of the target's own saturation, open loop: latency in ordinary use",
    ),
    "ssat": Scenario(
        load=_STREAM,
        warm_up=msgspec.structs.replace(_STREAM, seconds=0.7, events=0),
        shows="50 streams of 104 events without pauses: events a second that one saturated core relays",
    ),
    "paced": Scenario(
        load=Load(body="paced", connections=400, rate=48.0, seconds=3, warm_s=1.2, is_stream=True, events=104),
        shows="48 streams begun a second, an event every 10 ms (about 50 at once, 5,000 events a second): "
        "time to first event, CPU per event. The role and the first content come together, then the pace begins: a "
        "gateway that waits for content, so that it may still fail over, is not charged for the provider's gap",
    ),
    "pace1k": Scenario(
        load=Load(body="slow", connections=400, rate=48.0, seconds=3, warm_s=1.2, is_stream=True, events=24),
        shows="the same with an event every 50 ms (about 1,150 events a second), a pace that slow ones can hold",
    ),
    "big": Scenario(
        load=Load(body="big", connections=16, seconds=1.5),
        shows="100 KB prompts, 16 connections: what parsing and copying bodies costs",
    ),
    "r30": Scenario(
        load=Load(body="plain", connections=64, rate=30.0, seconds=4),
        warm_up=Load(body="plain", connections=64, rate=30.0, seconds=1),
        shows="30 requests a second, open loop: for the slowest peers; only when asked for",
        is_default=False,
    ),
    "pace240": Scenario(
        load=Load(body="slow", connections=400, rate=10.0, seconds=4, warm_s=1.2, is_stream=True, events=24),
        shows="10 streams begun a second (about 240 events a second): for the slowest peers; only when asked for",
        is_default=False,
    ),
}
DEFAULT_SCENARIOS: Final = tuple(name for name, scenario in SCENARIOS.items() if scenario.is_default)


def write_bodies(folder: Path) -> dict[BodyName, Path]:
    """Write the request bodies and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    base: dict[str, Any] = msgspec.json.decode((BENCHMARKS / "body.json").read_bytes())
    filler = {"role": "user", "content": ("All work and no play. " * 46 + "\n") * _FILLER_LINES}
    bodies: dict[BodyName, dict[str, Any]] = {
        "plain": base,
        "stream": _streamed(base, "n=100"),
        "paced": _streamed(base, "n=100,gap=10,lead=2"),
        "slow": _streamed(base, "n=20,gap=50,lead=2"),
        "big": {**base, "messages": [*base["messages"], filler]},
    }
    paths: dict[BodyName, Path] = {}
    for name, body in bodies.items():
        paths[name] = folder / f"{name}.json"
        paths[name].write_bytes(msgspec.json.encode(body))
    return paths


def _streamed(base: dict[str, Any], directives: str) -> dict[str, Any]:
    """Return a streaming call whose prompt tells the mock what to do.

    Directives go into the prompt, because gateways drop or rewrite fields such as `user`, but not the text.
    """
    messages = [dict(message) for message in base["messages"]]
    messages[-1]["content"] += f" mock:{directives} "
    return {**base, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
