from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from gatewayz.telemetry.metrics.exposition import OPENMETRICS, TEXT, content_type, render
from gatewayz.telemetry.metrics.families import Family, Histogram, Sample

NASTY = 'a "quoted" back\\slash\nand a new line'
FAMILIES: Sequence[Family] = (
    Family("calls_total", "counter", "Calls.", [Sample((("name", NASTY),), 3), Sample((("name", "b"),), 0.5)]),
    Family("depth", "gauge", "A help with \\ and\na new line.", [Sample((), 7)]),
    Family("seconds", "histogram", "Times.", [Sample((("a", "b"),), Histogram((0.1, 1.0), (1, 2), 3, 12.5))]),
)


def samples(families: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize(("form", "read"), [(TEXT, read_text), (OPENMETRICS, read_openmetrics)])
def test_the_official_parsers_read_what_was_meant(form: str, read: Any) -> None:
    found = samples(read(render(FAMILIES, form).decode()))
    assert found == {
        ("calls_total", (("name", NASTY),)): 3,
        ("calls_total", (("name", "b"),)): 0.5,
        ("depth", ()): 7,
        ("seconds_bucket", (("a", "b"), ("le", "0.1"))): 1,
        ("seconds_bucket", (("a", "b"), ("le", "1.0"))): 2,
        ("seconds_bucket", (("a", "b"), ("le", "+Inf"))): 3,
        ("seconds_count", (("a", "b"),)): 3,
        ("seconds_sum", (("a", "b"),)): 12.5,
    }


def test_the_format_is_asked_for() -> None:
    asked = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,*/*;q=0.1"
    assert content_type(asked) == OPENMETRICS
    assert content_type("") == content_type("*/*") == content_type("text/plain") == TEXT
