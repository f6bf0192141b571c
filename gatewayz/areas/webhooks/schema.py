"""What the webhooks' routes take. Source: spec 08 §5; docs/webhooks.md."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatewayz.store.webhook_records import EventType

__all__ = ["DeliveriesQuery", "WebhookBody", "WebhookChangeBody"]

_MAX_ID: Final = 2**53 - 1
Events = Annotated[tuple[Literal["*", EventType], ...], Meta(min_length=1, max_length=7)]
Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Description = Annotated[str, Meta(max_length=200)]


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /user/webhooks`."""

    url: Url
    events: Events = ("*",)
    """`*` is all there are and will be."""
    description: Description = ""


class WebhookChangeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`PATCH /user/webhooks/<webhook_id>`: what is left out stays."""

    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class DeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /user/webhooks/<webhook_id>/deliveries`."""

    state: Literal["waiting", "delivered", "failed"] | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[int, Meta(ge=1, le=_MAX_ID)] | None = None
    """`next_cursor` of the page before."""
