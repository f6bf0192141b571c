"""`/circuit-breakers`: what is open, and the lever to close it. Source: spec 05 §2."""

from typing import Final

from quart import Response

from gatewayz.areas.circuit_breakers.service import (
    list_breakers,
    reset_all_breakers,
    reset_breaker,
    show_breaker,
)
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_circuit_breakers(call: Call) -> Response:
    """Every provider's breaker, and counts by state."""
    return json_response(list_breakers(call.edition.breakers))


async def show_circuit_breaker(call: Call, provider: str) -> Response:
    """One provider's breaker; an unknown name is created closed."""
    return json_response(show_breaker(call.edition.breakers, provider))


async def reset_circuit_breaker(call: Call, provider: str) -> Response:
    """Close one provider's breaker."""
    return json_response(reset_breaker(call.edition.breakers, provider))


async def reset_circuit_breakers(call: Call) -> Response:
    """Close every breaker."""
    return json_response(reset_all_breakers(call.edition.breakers))


_GROUP: Final = "circuit_breakers"

ROUTES: Final = (
    Route(method="GET", path="/circuit-breakers", handler=list_circuit_breakers, guard="operator", group=_GROUP),
    Route(
        method="GET",
        path="/circuit-breakers/<provider>",
        handler=show_circuit_breaker,
        guard="operator",
        group=_GROUP,
    ),
    Route(
        method="POST",
        path="/circuit-breakers/reset-all",
        handler=reset_circuit_breakers,
        guard="operator",
        group=_GROUP,
    ),
    Route(
        method="POST",
        path="/circuit-breakers/<provider>/reset",
        handler=reset_circuit_breaker,
        guard="operator",
        group=_GROUP,
    ),
)
