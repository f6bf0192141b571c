"""Benchmark results out of the routers' settings."""

from gatewayz.config.sections.plugins import PluginEntry
from gatewayz.domain.catalog.benchmarks import benchmark_scores


def test_pools_and_tiers_are_joined_under_the_id_that_is_served() -> None:
    pool = [
        {"id": "m/a", "figures": {"mmlu": 80.0, "code": 1.0}},
        {"id": "x", "served_as": "m/b", "figures": {"mmlu": 5}},
    ]
    tiers = {"1": {"models": [{"id": "m/a", "figures": {"code": 2.0, "swe": 3.0}}, {"id": "m/none"}]}}
    routers = {
        "default": PluginEntry(use="failover"),
        "general": PluginEntry(use="general", settings={"models": pool}),
        "code": PluginEntry(use="code", settings={"tiers": tiers}),
    }
    assert benchmark_scores(routers) == {"m/a": {"mmlu": 80.0, "code": 1.0, "swe": 3.0}, "m/b": {"mmlu": 5}}
