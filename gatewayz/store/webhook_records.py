"""Customers' webhooks as the store keeps them; moments in milliseconds since 1970, as the job compares them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex
from typing import Any, Final, Literal, Protocol, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "ALL_EVENTS",
    "MAX_ENDPOINTS",
    "TRY_FOR_MS",
    "Attempt",
    "ClaimedDelivery",
    "DegradedModel",
    "Delivery",
    "DeliveryState",
    "Endpoint",
    "EndpointChanges",
    "EventType",
    "NewEndpoint",
    "NewEvent",
    "WebhookStore",
    "event_of",
    "milliseconds",
]

EventType: TypeAlias = Literal[
    "credits.low",
    "credits.depleted",
    "credits.added",
    "model.degraded",
    "rate_limit.approaching",
    "batch.completed",
]
"""What can be listened to. Source: spec 08 §5."""
ALL_EVENTS: Final = "*"
"""Stands for every type, those of later releases too."""
MAX_ENDPOINTS: Final = 10
"""Of one user."""
TRY_FOR_MS: Final = 24 * 3_600_000
"""How long delivering an event is tried."""
DeliveryState: TypeAlias = Literal["waiting", "delivered", "failed"]


def milliseconds(moment: datetime) -> int:
    """Return a moment as these records have it."""
    return round(moment.timestamp() * 1000)


class NewEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint to be made."""

    url: str
    events: tuple[str, ...]
    nonce: bytes
    """What its secret is derived with; never the secret."""
    description: str = ""
    is_of_preferences: bool = False
    """Whether it is the one URL of the notification preferences."""


class Endpoint(NewEndpoint, frozen=True, kw_only=True):
    """Where somebody wants to be told."""

    id: int
    user_id: int
    is_active: bool
    disabled_reason: str | None
    """`failing` or `gone` where the gateway switched it off."""
    failing_since_ms: int | None
    old_nonce: bytes | None
    """Of the secret before, which signs too until it ends."""
    old_until_ms: int | None
    created_at: datetime
    updated_at: datetime


class EndpointChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; what is UNSET stays."""

    url: str | UnsetType = UNSET
    events: tuple[str, ...] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    """True also forgets that it was failing."""


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a user, to be told to those endpoints that listen."""

    id: str
    """What receivers see as `webhook-id`; an event whose id is known is not told again."""
    user_id: int
    type: str
    body: str
    """JSON, sent as it is."""
    created_ms: int
    expires_ms: int
    """Until when delivering is tried."""


def event_of(user_id: int, type: str, data: Mapping[str, Any], at_ms: int, source: str | None = None) -> NewEvent:
    """Return an event as receivers get it: `{id, type, timestamp, data}`.

    :param source: what it comes of (`entry:17`); the same source is the same event. None is an event of its own.
    """
    event_id = f"msg_{token_hex(16) if source is None else _digest(f'{user_id} {type} {source}')}"
    timestamp = datetime.fromtimestamp(at_ms / 1000, UTC)
    body = msgspec.json.encode({"id": event_id, "type": type, "timestamp": timestamp, "data": data})
    return NewEvent(
        id=event_id,
        user_id=user_id,
        type=type,
        body=body.decode(),
        created_ms=at_ms,
        expires_ms=at_ms + TRY_FOR_MS,
    )


def _digest(source: str) -> str:
    return sha256(source.encode()).hexdigest()[:32]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    id: int
    event_id: str
    endpoint_id: int
    type: str
    body: str
    state: DeliveryState
    attempts: int
    created_ms: int
    next_ms: int
    expires_ms: int
    tried_ms: int | None
    response_status: int | None
    duration_ms: int | None
    error: str | None


class ClaimedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that this process is to make now."""

    delivery: Delivery
    endpoint: Endpoint


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try."""

    delivery_id: int
    endpoint_id: int
    state: DeliveryState
    """`waiting` when another try follows."""
    next_ms: int
    tried_ms: int
    response_status: int | None
    duration_ms: int
    error: str | None
    disable: str | None = None
    """Reason to switch the endpoint off."""


class DegradedModel(msgspec.Struct, frozen=True, kw_only=True):
    """An outage that concerns somebody: the model was used lately."""

    user_id: int
    incident_id: int
    model: str
    provider: str
    severity: str
    started_at: datetime
    error_code: str | None


class WebhookStore(Protocol):
    """Every method raises StoreUnavailable; what is a user's is asked for by its owner."""

    async def add(self, user_id: int, endpoint: NewEndpoint, now: datetime) -> Endpoint | None:
        """Make an endpoint; None when the user has `MAX_ENDPOINTS` already."""
        ...

    async def find(self, user_id: int, endpoint_id: int) -> Endpoint | None:
        """Return one of a user's endpoints."""
        ...

    async def list_endpoints(self, user_id: int) -> Sequence[Endpoint]:
        """Return a user's endpoints, oldest first."""
        ...

    async def change(self, user_id: int, endpoint_id: int, changes: EndpointChanges, now: datetime) -> Endpoint | None:
        """Change one, None when there is none."""
        ...

    async def rotate(
        self, user_id: int, endpoint_id: int, nonce: bytes, old_until_ms: int, now: datetime
    ) -> Endpoint | None:
        """Give one another secret; the one before signs too until it ends."""
        ...

    async def delete(self, user_id: int, endpoint_id: int) -> bool:
        """Forget one and its deliveries; False when there is none."""
        ...

    async def set_of_preferences(self, user_id: int, endpoint: NewEndpoint | None, now: datetime) -> Endpoint | None:
        """Make, redirect or (None) forget the endpoint of the preferences; return it as it is then."""
        ...

    async def emit(self, event: NewEvent) -> int:
        """Write down deliveries to the active endpoints that listen; return how many are new."""
        ...

    async def emit_new(self, events: Sequence[NewEvent]) -> int:
        """Write down those events of which no endpoint of their users has anything; return how many were told."""
        ...

    async def emit_to(self, user_id: int, endpoint_id: int, event: NewEvent) -> Delivery | None:
        """Write down a delivery to one endpoint whatever it listens to; None when there is none."""
        ...

    async def list_deliveries(
        self, user_id: int, endpoint_id: int, *, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """Return deliveries to a user's endpoint, newest first."""
        ...

    async def redeliver(
        self, user_id: int, endpoint_id: int, delivery_id: int, now_ms: int, expires_ms: int
    ) -> Delivery | None:
        """Make one due again; None when there is none."""
        ...

    async def claim(
        self,
        now_ms: int,
        *,
        limit: int,
        lease_ms: int,
        busy: Collection[int] = (),
        busy_users: Collection[int] = (),
    ) -> Sequence[ClaimedDelivery]:
        """Return what is due but for busy endpoints and users; for the length of the lease no other process gets it."""
        ...

    async def finish(self, attempt: Attempt) -> None:
        """Write down what came of a try, and how the endpoint is."""
        ...

    async def prune(self, before_ms: int) -> None:
        """Forget deliveries made before a moment."""
        ...

    async def list_listeners(self, type: EventType) -> frozenset[int]:
        """Return the users of active endpoints that listen to a type."""
        ...

    async def emit_balances(self, now: datetime) -> int:
        """Write down `credits.low` and `credits.depleted` for those concerned, once a crossing; return for how many."""
        ...

    async def list_degraded(self, now: datetime) -> Sequence[DegradedModel]:
        """Return outages under way of models that listeners used within a day."""
        ...
