"""What the code router's pages show of its data. Source: spec 06 §1.1, §1.4."""

from typing import Any

from gatewayz_plugins.routers.code.settings import CodeModel, CodeSettings

__all__ = ["options_page", "tiers_page"]


def tiers_page(settings: CodeSettings) -> dict[str, Any]:
    """Return the tiers with their models, the fallback model and the baselines (6.2)."""
    fallback = next(model for _, model in settings.all_models() if model.id == settings.fallback_model)
    return {
        "tiers": {
            number: {
                "name": tier.name,
                "description": tier.description,
                "price_range": tier.price_range,
                "models": [_model(model) for model in tier.models],
            }
            for number, tier in sorted(settings.tiers.items())
        },
        "fallback_model": {
            "id": fallback.id,
            "provider": fallback.provider,
            "reason": "in the tier that is looked in last",
        },
        "baselines": {
            name: {"price_input": baseline.price_input, "price_output": baseline.price_output}
            for name, baseline in settings.baselines.items()
        },
    }


def options_page(settings: CodeSettings) -> dict[str, Any]:
    """Return the modes, and the model that settings pages suggest (6.1)."""
    return {
        "modes": [
            {"value": name, "label": mode.label, "description": mode.description}
            for name, mode in settings.modes.items()
        ],
        "manual_model": settings.manual_model,
    }


def _model(model: CodeModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "swe_bench": model.swe_bench,
        "human_eval": model.human_eval,
        "price_input": model.price_input,
        "price_output": model.price_output,
        "context_length": model.context_length,
        "strengths": list(model.strengths),
        "provider": model.provider,
        "source": model.source,
        "date": model.date,
    }
