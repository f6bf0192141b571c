"""Metric families as text that Prometheus reads.

Sources: Prometheus "Exposition formats" (text 0.0.4) and OpenMetrics 1.0, both read 2026-11-25.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from gatewayz.telemetry.metrics.families import Family, Histogram, Sample

__all__ = ["OPENMETRICS", "TEXT", "content_type", "render"]

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


def content_type(accept: str) -> str:
    """Return the format that an `Accept` header asks for: OpenMetrics where it is named, else text."""
    return OPENMETRICS if "application/openmetrics-text" in accept.lower() else TEXT


def render(families: Iterable[Family], content_type: str) -> bytes:
    """Return the families in a format: `TEXT` or `OPENMETRICS`."""
    is_open = content_type == OPENMETRICS
    lines = [line for family in families for line in _lines(family, is_open)]
    if is_open:
        lines.append("# EOF")
    return ("\n".join(lines) + "\n").encode()


def _lines(family: Family, is_open: bool) -> Iterator[str]:
    # OpenMetrics names the family, text names its samples: they differ where samples end in _total.
    name = family.name.removesuffix("_total") if is_open and family.kind == "counter" else family.name
    yield f"# HELP {name} {family.help.translate(_HELP_ESCAPES)}"
    yield f"# TYPE {name} {family.kind}"
    for sample in family.samples:
        if isinstance(sample.value, Histogram):
            yield from _distribution(family.name, sample, sample.value)
        else:
            yield f"{family.name}{_labels(sample.labels)} {_number(sample.value)}"


def _distribution(name: str, sample: Sample, value: Histogram) -> Iterator[str]:
    # Most lines are these: what they share is written once.
    said = _said(sample.labels)
    opening = f'{name}_bucket{{{said}{"," if said else ""}le="'
    for bound, count in zip(value.bounds, value.counts, strict=True):
        yield f'{opening}{bound}"}} {count}'
    yield f'{opening}+Inf"}} {value.count}'
    yield f"{name}_count{_labels(sample.labels)} {value.count}"
    yield f"{name}_sum{_labels(sample.labels)} {_number(value.total)}"


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    said = _said(labels)
    return f"{{{said}}}" if said else ""


def _said(labels: Iterable[tuple[str, str]]) -> str:
    return ",".join([f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels])


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
