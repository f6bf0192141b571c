"""What the general router's pages answer. Source: spec 06 §2 (cases 7.1 to 7.5)."""

from typing import Any, Final

from gatewayz.areas.general_router.schema import Message, TryBody
from gatewayz.domain.routing.pools import Pools
from gatewayz.domain.usage.tokens import estimate_tokens
from gatewayz.sdk.errors import ResourceNotFound, SchemaInvalid
from gatewayz.sdk.interfaces import PoolRouter, RoutingCall

__all__ = ["ROUTER", "fallback_models", "general_router", "models", "options", "stats", "tried_call"]

ROUTER: Final = "general"
"""The instance these pages are about."""


def general_router(pools: Pools) -> PoolRouter:
    """Return the general router. Raises ResourceNotFound where none is configured."""
    router = pools.router(ROUTER)
    if router is None:
        raise ResourceNotFound(f"No router {ROUTER!r} is configured.")
    return router


def options(router: PoolRouter) -> dict[str, Any]:
    """Return what a settings page can offer (7.1)."""
    described = router.describe()
    default = next(iter(router.modes))
    pool = [model["gatewayz_id"] for model in described["models"]]
    return {
        "success": True,
        "options": {
            "use_general_router": {
                "type": "boolean",
                "default": True,
                "label": "Use the general router",
                "description": "Choose a model for each prompt.",
            },
            "optimization_mode": {
                "type": "select",
                "default": default,
                "label": "Optimization",
                "options": list(router.modes),
            },
        },
        "modes": described["modes"],
        "syntax": {
            "primary": f"router:{ROUTER}:<mode>",
            "examples": [f"router:{ROUTER}", *(f"router:{ROUTER}:{mode}" for mode in router.modes)],
            "aliases": [f"gatewayz-{ROUTER}", *(f"gatewayz-{ROUTER}-{mode}" for mode in router.modes), *router.names],
        },
        "model_pools": {mode: pool for mode in router.modes},
    }


def models(router: PoolRouter) -> dict[str, Any]:
    """Return the models it chooses among (7.2); `enabled`: is an outside service asked? Never here."""
    pool = router.describe()["models"]
    return {"success": True, "models": pool, "total": len(pool), "enabled": False}


def fallback_models(router: PoolRouter) -> dict[str, Any]:
    """Return the models of each mode when nothing can be decided (7.3)."""
    chains = router.describe()["chains"]
    first = {mode: chain[0] if chain else None for mode, chain in chains.items()}
    return {"success": True, "fallback_models": first, "fallback_chains": chains}


def stats(router: PoolRouter) -> dict[str, Any]:
    """Return what it has decided so far (7.4)."""
    shown = {"notdiamond_enabled": False, "fallback_models": fallback_models(router)["fallback_models"]}
    return {"success": True, "stats": {**shown, **router.stats()}}


def tried_call(body: TryBody, router: PoolRouter) -> RoutingCall:
    """Return the call that a test page asks about.

    Raises SchemaInvalid (422) for an unknown mode, and where there is nothing to choose for.
    """
    if body.mode not in router.modes:
        raise SchemaInvalid(f"mode: {body.mode[:40]!r} is none of {', '.join(router.modes)}.", param="mode")
    messages = body.messages or ([Message(role="user", content=body.prompt)] if body.prompt else [])
    said = [message.text for message in messages if message.role == "user" and message.text]
    if not said:
        raise SchemaInvalid("messages: a message of the user, or 'prompt', is required.", param="messages")
    name = f"router:{ROUTER}:{body.mode}"
    return RoutingCall(
        requested_model=name,
        model=name,
        mode=body.mode,
        prompt=said[-1],
        opening=said[0],
        prompt_tokens=estimate_tokens(sum(len(message.text) for message in messages)),
        messages=len(messages),
        user_messages=len(said),
    )
