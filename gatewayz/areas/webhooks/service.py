"""Endpoints and deliveries as their owners see them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from gatewayz.sdk.secret import Secret
from gatewayz.store.webhook_records import Delivery, Endpoint

__all__ = ["show_delivery", "show_endpoint"]


def show_endpoint(endpoint: Endpoint, secret: Secret | None = None) -> dict[str, Any]:
    """Return an endpoint; with its secret when that is new, and never again."""
    shown = {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": endpoint.events,
        "description": endpoint.description,
        "is_active": endpoint.is_active,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": _moment(endpoint.failing_since_ms),
        "is_of_preferences": endpoint.is_of_preferences,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }
    return shown if secret is None else {**shown, "secret": secret.reveal()}


def show_delivery(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery with what was sent and what came of the last try."""
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "type": delivery.type,
        "payload": msgspec.json.decode(delivery.body),
        "status": delivery.state,
        "attempts": delivery.attempts,
        "response_status": delivery.response_status,
        "duration_ms": delivery.duration_ms,
        "error": delivery.error,
        "created_at": _moment(delivery.created_ms),
        "last_attempt_at": _moment(delivery.tried_ms),
        "next_attempt_at": _moment(delivery.next_ms) if delivery.state == "waiting" else None,
    }


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
