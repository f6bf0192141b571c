"""What the code router's pages answer. Source: spec 06 §1.4 (cases 6.1 to 6.5)."""

from collections.abc import Mapping
from typing import Any, Final

from gatewayz.areas.code_router.schema import SettingsBody, TryBody
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.routing.pools import Pools
from gatewayz.domain.usage.tokens import estimate_tokens
from gatewayz.sdk.errors import GatewayzError, ModelNotFound, ResourceNotFound, SchemaInvalid
from gatewayz.sdk.interfaces import PoolRouter, RoutingCall

__all__ = ["ROUTER", "check_settings", "code_router", "options", "tried_call"]

ROUTER: Final = "code"
"""The instance these pages are about."""
_BALANCED: Final = "balanced"
"""What settings call the router's default mode."""


def code_router(pools: Pools) -> PoolRouter:
    """Return the code router. Raises ResourceNotFound where none is configured."""
    router = pools.router(ROUTER)
    if router is None:
        raise ResourceNotFound(f"No router {ROUTER!r} is configured.")
    return router


def options(router: PoolRouter) -> dict[str, Any]:
    """Return what a settings page can offer (6.1)."""
    described = router.describe()["options"]
    default = next(iter(router.modes))
    modes = [{**mode, "value": _BALANCED if mode["value"] == default else mode["value"]} for mode in described["modes"]]
    return {
        "success": True,
        "options": {
            "use_code_router": _switch(True, "Use the code router", "Choose a model for each programming task."),
            "optimization_mode": {
                "type": "select",
                "default": _BALANCED,
                "label": "Optimization",
                "description": "What the choice is made for.",
                "options": [mode["value"] for mode in modes],
            },
            "manual_model": {
                "type": "text",
                "default": described["manual_model"],
                "label": "Model",
                "description": "Used while the router is off.",
            },
            "show_routing_info": _switch(True, "Show the choice", "Say which model was chosen and why."),
            "show_savings": _switch(True, "Show savings", "Say what was saved against the baselines."),
        },
        "modes": modes,
    }


def tried_call(body: TryBody, router: PoolRouter) -> RoutingCall:
    """Return the call that a test page asks about. Raises SchemaInvalid (422) for an unknown mode."""
    mode = _mode(body.mode, router)
    if mode is None:
        allowed = ", ".join(router.modes)
        raise SchemaInvalid(f"mode: {body.mode[:40]!r} is none of {allowed}.", param="mode")
    name = f"router:{ROUTER}:{mode}"
    return RoutingCall(
        requested_model=name,
        model=name,
        mode=mode,
        prompt=body.prompt,
        opening=body.prompt,
        prompt_tokens=estimate_tokens(len(body.prompt)),
        hints=body.context.hints(),
    )


def check_settings(body: SettingsBody, router: PoolRouter, catalog: Catalog) -> dict[str, Any]:
    """Return whether settings can be used, and the model's name that they come to (6.5)."""
    errors: list[str] = []
    warnings: list[str] = []
    mode = _mode(body.optimization_mode, router)
    if mode is None:
        allowed = ", ".join((_BALANCED, *router.modes))
        errors.append(f"optimization_mode: {body.optimization_mode[:40]!r} is none of {allowed}")
    manual = (body.manual_model or "").strip()
    if manual:
        _check_model(manual, catalog, errors, warnings)
    if body.use_code_router and manual:
        warnings.append("manual_model is not used while the code router is on")
    if not body.use_code_router and not manual:
        errors.append("manual_model is required while the code router is off")
    named = f"router:{ROUTER}:{mode}" if body.use_code_router else manual
    return {
        "valid": not errors,
        "model_string": None if errors else named,
        "errors": errors,
        "warnings": warnings,
    }


def _mode(word: str, router: PoolRouter) -> str | None:
    """Return the router's mode that a word means."""
    modes: Mapping[str, str] = router.modes
    if word == _BALANCED and word not in modes:
        return next(iter(modes))
    return word if word in modes else None


def _check_model(name: str, catalog: Catalog, errors: list[str], warnings: list[str]) -> None:
    try:
        catalog.resolve(name)
    except ModelNotFound as err:
        is_known = name.lower() in catalog.left_out()
        (warnings if is_known else errors).append(f"manual_model: {err.message}")
    except GatewayzError as err:
        errors.append(f"manual_model: {err.message}")


def _switch(default: bool, label: str, description: str) -> dict[str, Any]:
    return {"type": "boolean", "default": default, "label": label, "description": description}
