"""What one offer did in one span of time, while it is being counted."""

from typing import Final

import msgspec

from gatewayz.domain.observation.distinct import Distinct
from gatewayz.domain.observation.sketch import Sketch
from gatewayz.domain.observation.traffic import Quantiles, Traffic
from gatewayz.sdk.observe import Attempt, Settlement
from gatewayz.store.observation_records import COUNTERS, TrafficRow

__all__ = ["Bucket"]

_OUTCOMES: Final = {
    "fault": "faults",
    "rate_limited": "rate_limited",
    "caller_fault": "caller_faults",
    "abandoned": "abandoned",
}
_LEFT: Final = 499
"""Status of requests whose caller left first."""


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    latency: list[float]
    first_content: list[float]
    callers: list[int] | bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


class Bucket:
    """Counters and sketches; `traffic` is what others see of it."""

    __slots__ = (*COUNTERS, "callers", "first_content", "latency")

    def __init__(self) -> None:
        self.attempts = self.successes = self.faults = self.rate_limited = self.caller_faults = self.abandoned = 0
        self.requests = self.failed_requests = self.input_tokens = self.output_tokens = 0
        self.cost = self.charged = self.output_ms = self.probes = self.failed_probes = 0
        self.latency = Sketch()
        self.first_content = Sketch()
        self.callers = Distinct()

    def count_attempt(self, attempt: Attempt) -> None:
        """Count a call to the provider."""
        self.attempts += 1
        if attempt.outcome == "success":
            self.successes += 1
            self.latency.add(attempt.duration_ms)
        else:
            name = _OUTCOMES[attempt.outcome]
            setattr(self, name, getattr(self, name) + 1)

    def count_settlement(self, settlement: Settlement) -> None:
        """Count a request that ended here."""
        self.requests += 1
        if settlement.status != _LEFT and (settlement.status >= 400 or settlement.error_code is not None):
            self.failed_requests += 1
        if settlement.user_id is not None:
            self.callers.add(settlement.user_id)
        last = settlement.attempts[-1] if settlement.attempts else None
        if settlement.stream and last is not None and last.outcome == "success" and last.first_content_ms is not None:
            self.first_content.add(last.first_content_ms)
        charge = settlement.charge
        if charge is not None:
            self.input_tokens += charge.usage.prompt_tokens
            self.output_tokens += charge.usage.completion_tokens
            self.cost += charge.cost.total
            self.charged += charge.charged
            if last is not None:
                self.output_ms += round(last.duration_ms)

    def count_probe(self, *, ok: bool) -> None:
        """Count a look that was no customer's request."""
        self.probes += 1
        self.failed_probes += not ok

    def judged(self) -> tuple[int, int]:
        """Return what went well and what was the provider's fault, probes included."""
        return self.successes + self.probes - self.failed_probes, self.faults + self.failed_probes

    def merge(self, other: "Bucket") -> None:
        """Take in all that another one counted."""
        # Written out: a loop over names takes four times as long, and an hour is thousands of these.
        self.attempts += other.attempts
        self.successes += other.successes
        self.faults += other.faults
        self.rate_limited += other.rate_limited
        self.caller_faults += other.caller_faults
        self.abandoned += other.abandoned
        self.requests += other.requests
        self.failed_requests += other.failed_requests
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cost += other.cost
        self.charged += other.charged
        self.output_ms += other.output_ms
        self.probes += other.probes
        self.failed_probes += other.failed_probes
        self.latency.merge(other.latency)
        self.first_content.merge(other.first_content)
        self.callers.merge(other.callers)

    def traffic(self, provider: str, model: str) -> Traffic:
        """Return it as the traffic of an offer; this bucket must not be changed afterwards."""
        return Traffic(
            provider=provider,
            model=model,
            users=self.callers.count(),
            callers=self.callers,
            latency=self.latency,
            first_content=self.first_content,
            **dict(zip(COUNTERS, self.counters(), strict=True)),
        )

    def counters(self) -> tuple[int, ...]:
        """Return the sums, in the order of `COUNTERS`."""
        return tuple(getattr(self, name) for name in COUNTERS)

    def row(self, start: int, provider: str, model: str, process: str) -> TrafficRow:
        """Return it as it is stored."""
        packed = _Packed(self.latency.pack(), self.first_content.pack(), self.callers.pack())
        return TrafficRow(start, provider, model, process, self.counters(), _encode(packed))

    @classmethod
    def of_row(cls, row: TrafficRow) -> "Bucket":
        """Return what was stored."""
        bucket, packed = cls(), _decode(row.packed)
        for name, value in zip(COUNTERS, row.counters, strict=True):
            setattr(bucket, name, value)
        bucket.latency = Sketch.unpack(packed.latency)
        bucket.first_content = Sketch.unpack(packed.first_content)
        bucket.callers = Distinct.unpack(packed.callers)
        return bucket

    @classmethod
    def of(cls, traffic: Traffic) -> "Bucket":
        """Return a bucket that may be changed, with the figures of a traffic."""
        bucket = cls()
        for name in COUNTERS:
            setattr(bucket, name, getattr(traffic, name))
        bucket.latency.merge(_sketch(traffic.latency))
        bucket.first_content.merge(_sketch(traffic.first_content))
        if traffic.callers is not None:
            bucket.callers.merge(traffic.callers)
        return bucket


def _sketch(quantiles: Quantiles) -> Sketch:
    if not isinstance(quantiles, Sketch):
        raise TypeError("only sketches can be added up")
    return quantiles
