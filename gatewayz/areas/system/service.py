"""What the root page and `/ping` tell. Source: spec 05 §1."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from gatewayz import __version__
from gatewayz.flow.edition import Edition
from gatewayz.web.hot import HOT_ROUTES
from gatewayz.web.routes import Route

__all__ = ["show_root", "show_uptime"]

_VARIABLE: Final = re.compile(r"<(?:[^<>:]*:)?(\w+)>")
_MODEL_FEATURES: Final = (
    "filter by provider, gateway, feature",
    "search",
    "sort",
    "page",
    "compare",
    "prices",
    "traffic",
)


def show_root(edition: Edition, routes: Iterable[Route]) -> dict[str, Any]:
    """Return `GET /`: what this is, what it can do, where to go."""
    return {
        "name": "Gatewayz Inference API",
        "version": __version__,
        "description": "One API key, every AI model, automatic reliability, one bill.",
        "status": "active",
        "models": len(edition.catalog.models()),
        "providers": len(edition.providers),
        "endpoints": _endpoints(edition, routes),
        "features": _features(edition),
        "model_endpoint_features": _MODEL_FEATURES,
        "documentation": {"swagger_ui": "/docs", "redoc": "/redoc", "openapi_spec": "/openapi.json"},
    }


def show_uptime(seconds: float) -> str:
    """Return a duration in words: `2 days, 3:04:05`."""
    return str(timedelta(seconds=int(seconds)))


def _endpoints(edition: Edition, routes: Iterable[Route]) -> Mapping[str, list[str]]:
    """Return every endpoint by who may call it."""
    found: dict[str, list[str]] = {"public": [], "admin": [], "protected": [f"POST {path}" for path in HOT_ROUTES]}
    for route in routes:
        path = _VARIABLE.sub(r"{\1}", route.path)
        found[_audience(edition, route)].append(f"{route.method} {path}")
    return {audience: sorted(names, key=lambda name: name.partition(" ")[2]) for audience, names in found.items()}


def _audience(edition: Edition, route: Route) -> str:
    if route.guard == "operator":
        openness = "admin" if route.group is None else getattr(edition.settings.access, route.group)
        return "public" if openness == "public" else "admin"
    return {"public": "public", "optional": "public", "user": "protected"}.get(route.guard, "admin")


def _features(edition: Edition) -> list[str]:
    """Return what this gateway does as it is configured."""
    always = [f"{name} format" for name in sorted(edition.readers)]
    always += ["streaming", "failover between providers", "circuit breakers"]
    when = {
        "rate limits": edition.limits is not None,
        "prepaid credit": edition.settings.billing.use == "credits",
        "payments": edition.payments is not None,
        "sign-in": bool(edition.identity),
        "model hub": edition.hub is not None,
        "model routers": bool(edition.settings.router_pages),
    }
    return always + [name for name, is_on in when.items() if is_on]
