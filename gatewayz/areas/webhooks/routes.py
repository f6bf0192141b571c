"""`/user/webhooks`. Source: spec 08 §5; docs/webhooks.md."""

from typing import Final

from quart import Response

from gatewayz.areas.webhooks.schema import DeliveriesQuery, WebhookBody, WebhookChangeBody
from gatewayz.areas.webhooks.service import show_delivery, show_endpoint
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.webhook_records import EndpointChanges
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def list_webhooks(call: Call) -> Response:
    """The caller's webhooks, oldest first."""
    found = await call.services.webhooks.list_endpoints(call.user_id)
    return json_response({"data": [show_endpoint(each) for each in found], "count": len(found)})


async def create_webhook(call: Call) -> Response:
    """Have events sent to a URL; the secret that signs them is told this once."""
    body = await read_json(WebhookBody)
    made, secret = await call.services.webhooks.create(call.user_id, body.url, body.events, body.description)
    return json_response(show_endpoint(made, secret), status=201)


async def show_webhook(call: Call, webhook_id: int) -> Response:
    """One webhook."""
    return json_response(show_endpoint(await call.services.webhooks.find(call.user_id, webhook_id)))


async def change_webhook(call: Call, webhook_id: int) -> Response:
    """Change a webhook, or switch it on or off."""
    body = await read_json(WebhookChangeBody)
    changes = EndpointChanges(url=body.url, events=body.events, description=body.description, is_active=body.is_active)
    if changes == EndpointChanges():
        raise InvalidRequest("Nothing to change was sent.", param="url")
    return json_response(show_endpoint(await call.services.webhooks.change(call.user_id, webhook_id, changes)))


async def delete_webhook(call: Call, webhook_id: int) -> Response:
    """Forget a webhook and its deliveries."""
    await call.services.webhooks.delete(call.user_id, webhook_id)
    return json_response({"success": True, "message": "Webhook deleted"})


async def rotate_secret(call: Call, webhook_id: int) -> Response:
    """Take another secret; for a day the one before signs too."""
    changed, secret = await call.services.webhooks.rotate(call.user_id, webhook_id)
    return json_response(show_endpoint(changed, secret))


async def send_test(call: Call, webhook_id: int) -> Response:
    """Have an event of type `webhook.ping` delivered; the deliveries tell what came of it."""
    return json_response(show_delivery(await call.services.webhooks.ping(call.user_id, webhook_id)), status=202)


async def list_deliveries(call: Call, webhook_id: int) -> Response:
    """What was sent and what came of it, newest first."""
    query = read_query(DeliveriesQuery)
    found = await call.services.webhooks.list_deliveries(
        call.user_id, webhook_id, state=query.state, before=query.cursor, limit=query.limit
    )
    return json_response(
        {
            "data": [show_delivery(each) for each in found],
            "count": len(found),
            "next_cursor": found[-1].id if len(found) == query.limit else None,
        }
    )


async def redeliver(call: Call, webhook_id: int, delivery_id: int) -> Response:
    """Have one delivered again, under the same id."""
    again = await call.services.webhooks.redeliver(call.user_id, webhook_id, delivery_id)
    return json_response(show_delivery(again), status=202)


_ALL: Final = "/user/webhooks"
_ONE: Final = f"{_ALL}/<int(max=9007199254740991):webhook_id>"
_AGAIN: Final = f"{_ONE}/deliveries/<int(max=9007199254740991):delivery_id>/redeliver"
_LIMIT: Final = "webhooks"

ROUTES: Final = (
    Route(method="GET", path=_ALL, handler=list_webhooks, guard="user"),
    Route(method="POST", path=_ALL, handler=create_webhook, guard="user", body=WebhookBody, limit=_LIMIT, status=201),
    Route(method="GET", path=_ONE, handler=show_webhook, guard="user"),
    Route(method="PATCH", path=_ONE, handler=change_webhook, guard="user", body=WebhookChangeBody, limit=_LIMIT),
    Route(method="DELETE", path=_ONE, handler=delete_webhook, guard="user"),
    Route(method="POST", path=f"{_ONE}/rotate-secret", handler=rotate_secret, guard="user", limit=_LIMIT),
    Route(method="POST", path=f"{_ONE}/test", handler=send_test, guard="user", limit=_LIMIT, status=202),
    Route(method="GET", path=f"{_ONE}/deliveries", handler=list_deliveries, guard="user", query=DeliveriesQuery),
    Route(method="POST", path=_AGAIN, handler=redeliver, guard="user", limit=_LIMIT, status=202),
)
