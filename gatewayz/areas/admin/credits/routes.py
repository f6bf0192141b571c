"""`/admin/add_credits`, `/admin/credit-transactions`. Source: spec 07 §3 (cases 24.3.1 to 24.3.3)."""

from typing import Final

from quart import Response

from gatewayz.areas.admin.credits.schema import AddCreditsBody
from gatewayz.domain.credits.adjustments import actor_name, grant_caps
from gatewayz.domain.credits.transactions import (
    TransactionQuery,
    entry_filter,
    parse_dollars,
    show_page,
    show_totals,
)
from gatewayz.sdk.errors import AuthenticationFailed, ResourceNotFound, SchemaInvalid
from gatewayz.sdk.money import usd_float
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def add_credits_by_key(call: Call) -> Response:
    """Give the owner of a key credit, within the caller's caps (24.3.1, 24.3.2)."""
    body = await read_json(AddCreditsBody)
    given = body.credits if body.credits is not None else body.amount
    if given is None:
        raise SchemaInvalid("credits is missing.", param="credits")
    amount = parse_dollars(given, "credits")
    user_id = await _owner(call, body)
    movement = await call.services.adjustments.add(
        user_id,
        amount,
        actor=actor_name(call.caller.user_id),
        reason=body.reason,
        caps=grant_caps(call.edition.settings.credit_grants),
        details={},
    )
    return json_response(
        {
            "status": "success",
            "message": "Credits added",
            "user_id": user_id,
            "previous_balance": usd_float(movement.before),
            "new_balance": usd_float(movement.after),
            "transaction_id": str(movement.entry_id),
            "reason": body.reason,
            "timestamp": call.services.clock.now(),
        }
    )


async def list_all_transactions(call: Call) -> Response:
    """Transactions of all users, with sums when asked for (24.3.3)."""
    query = read_query(TransactionQuery)
    wanted, journal = entry_filter(query), call.services.store.journal
    page = await journal.page(
        wanted, limit=query.limit, offset=query.offset, sort_by=query.sort_by, ascending=query.sort_order == "asc"
    )
    shown = {"status": "success", **show_page(page, query)}
    if query.include_summary:
        shown["summary"] = show_totals(await journal.totals(wanted))
    return json_response({**shown, "timestamp": call.services.clock.now()})


async def _owner(call: Call, body: AddCreditsBody) -> int:
    """Return whose account it is. Raises SchemaInvalid without key and id, ResourceNotFound for an unknown key."""
    if body.user_id is not None:
        return body.user_id
    if body.api_key is None:
        raise SchemaInvalid("api_key or user_id is missing.", param="api_key")
    try:
        owner = await call.edition.keys.load(body.api_key.encode())
    except AuthenticationFailed as err:
        raise ResourceNotFound("There is no such key in force.", code="USER_NOT_FOUND", param="api_key") from err
    if owner.user_id is None:
        raise ResourceNotFound("There is no such key in force.", code="USER_NOT_FOUND", param="api_key")
    return owner.user_id


ROUTES: Final = (
    Route(method="POST", path="/admin/add_credits", handler=add_credits_by_key, guard="admin", body=AddCreditsBody),
    Route(
        method="GET",
        path="/admin/credit-transactions",
        handler=list_all_transactions,
        guard="admin",
        query=TransactionQuery,
    ),
)
