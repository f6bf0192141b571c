"""The four answers of the circuit-breaker routes. Source: spec 05 §2 (cases 5.1 to 5.4)."""

from typing import Any

from msgspec import to_builtins

from gatewayz.domain.breakers.breakers import Breakers, BreakerView
from gatewayz.domain.breakers.circuit import State

__all__ = ["list_breakers", "reset_all_breakers", "reset_breaker", "show_breaker"]


def list_breakers(breakers: Breakers) -> dict[str, Any]:
    """Return every provider's breaker and how many are in each state (5.1)."""
    views = breakers.views()
    states = [view.state for view in views.values()]
    return {
        "circuit_breakers": _by_name(views),
        "total_count": len(states),
        "open_count": states.count(State.OPEN),
        "half_open_count": states.count(State.HALF_OPEN),
        "closed_count": states.count(State.CLOSED),
    }


def show_breaker(breakers: Breakers, provider: str) -> dict[str, Any]:
    """Return one provider's breaker, created closed when the name is new (5.2)."""
    return _object(breakers.view(provider))


def reset_breaker(breakers: Breakers, provider: str) -> dict[str, Any]:
    """Close one provider's breaker and return it (5.3)."""
    view = breakers.reset(provider)
    return {"success": True, "message": f"Circuit breaker for {provider} has been reset", "state": _object(view)}


def reset_all_breakers(breakers: Breakers) -> dict[str, Any]:
    """Close every breaker and return them (5.4)."""
    views = breakers.reset_all()
    return {
        "success": True,
        "message": f"Reset {len(views)} circuit breakers",
        "reset_count": len(views),
        "states": _by_name(views),
    }


def _by_name(views: dict[str, BreakerView]) -> dict[str, Any]:
    return {name: _object(view) for name, view in views.items()}


def _object(view: BreakerView) -> dict[str, Any]:
    shown: dict[str, Any] = to_builtins(view)
    return shown
