"""`routing_metadata` in answers to calls that named a router. Source: spec 01 §3."""

from typing import Final

import msgspec

from gatewayz.flow.values import Choice
from gatewayz.sdk.offers import Offer

__all__ = ["add_routing_metadata"]

_BESIDE: Final = b'"gateway_usage":'
"""Every format's answer carries it, whole or in the last event; inside a JSON text its quotes would be escaped."""


def add_routing_metadata(body: bytes, choice: Choice | None, answered: Offer) -> bytes:
    """Return a rendered answer, or the end of a stream, with what the router says of its choice."""
    if choice is None or choice.ranking.decision is None:
        return body
    at = body.rfind(_BESIDE)
    if at < 0:
        return body
    metadata = {**choice.ranking.decision.metadata(answered), "routing_latency_ms": round(choice.took_ms, 3)}
    return body[:at] + b'"routing_metadata":' + msgspec.json.encode(metadata) + b"," + body[at:]
