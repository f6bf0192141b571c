"""Public benchmark results of models, from the settings of the routers that choose by them (config/routers.yaml)."""

from collections.abc import Iterator, Mapping
from typing import Any

from gatewayz.config.sections.plugins import PluginEntry

__all__ = ["benchmark_scores"]


def benchmark_scores(routers: Mapping[str, PluginEntry]) -> dict[str, dict[str, float]]:
    """Return benchmark to result (per cent) by canonical id; where two routers name a result, the first one's."""
    scores: dict[str, dict[str, float]] = {}
    for entry in routers.values():
        for model in _models(entry.settings):
            model_id = model.get("served_as") or model.get("id")
            figures = model.get("figures")
            if model_id and figures:
                scores[model_id] = {**figures, **scores.get(model_id, {})}
    return scores


def _models(settings: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the models of a router's pool or of its tiers."""
    yield from settings.get("models") or ()
    for tier in (settings.get("tiers") or {}).values():
        yield from tier.get("models") or ()
