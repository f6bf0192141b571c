"""`/credits`: what users have, what moved, and moving it by hand. Source: spec 04 §1."""

from typing import Final

from quart import Response

from gatewayz.areas.credits.schema import AddBody, AdjustBody, BalanceQuery, BulkAddBody, RefundBody, SummaryQuery
from gatewayz.areas.credits.service import (
    original_id,
    require_distinct,
    show_balance,
    show_bulk,
    show_change,
    show_details,
    show_summary,
)
from gatewayz.domain.credits.adjustments import actor_name, grant_caps
from gatewayz.domain.credits.transactions import TransactionQuery, entry_filter, parse_dollars, show_page
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_credit_balance(call: Call) -> Response:
    """What a user has (9.1.1)."""
    user_id = read_query(BalanceQuery).user_id or call.caller.user_id
    if user_id is None:
        raise InvalidRequest("The admin key has no balance: say user_id.", param="user_id")
    services = call.services
    await services.adjustments.require_user(user_id)
    balances = await services.ledger.balances(user_id)
    subscription = await services.store.payments.find_subscription(user_id)
    reset = None if subscription is None else subscription.period_end
    return json_response(show_balance(user_id, balances, reset, services.clock.now()))


async def show_credit_summary(call: Call) -> Response:
    """Sums over the system or one user (9.1.2)."""
    asked = read_query(SummaryQuery)
    query = TransactionQuery(user_id=asked.user_id, from_date=asked.from_date, to_date=asked.to_date)
    services, user, balances = call.services, None, None
    if asked.user_id is not None:
        await services.adjustments.require_user(asked.user_id)
        user = await services.store.users.find_user(asked.user_id)
        balances = await services.ledger.balances(asked.user_id)
    totals = await services.store.journal.totals(entry_filter(query))
    filters = {"user_id": asked.user_id, "from_date": asked.from_date, "to_date": asked.to_date}
    return json_response(show_summary(totals, user, balances, filters, services.clock.now()))


async def list_credit_transactions(call: Call) -> Response:
    """Transactions of all users, filtered and paged (9.1.3)."""
    query = read_query(TransactionQuery)
    page = await call.services.store.journal.page(
        entry_filter(query),
        limit=query.limit,
        offset=query.offset,
        sort_by=query.sort_by,
        ascending=query.sort_order == "asc",
    )
    return json_response({"status": "success", **show_page(page, query), "timestamp": call.services.clock.now()})


async def add_credits(call: Call) -> Response:
    """Give a user credit, within the caller's caps (9.1.4)."""
    body = await read_json(AddBody)
    movement = await call.services.adjustments.add(
        body.user_id,
        parse_dollars(body.amount, "amount"),
        actor=actor_name(call.caller.user_id),
        reason=body.reason,
        caps=grant_caps(call.edition.settings.credit_grants),
        details=show_details(body),
    )
    return json_response(show_change(body.user_id, movement, "Credits added", call.services.clock.now()))


async def adjust_credits(call: Call) -> Response:
    """Give or take credit, never below zero (9.1.5)."""
    body = await read_json(AdjustBody)
    amount = parse_dollars(body.amount, "amount", is_signed=True)
    adjustments, actor, details = call.services.adjustments, actor_name(call.caller.user_id), show_details(body)
    if amount > 0:
        caps = grant_caps(call.edition.settings.credit_grants)
        movement = await adjustments.add(
            body.user_id, amount, actor=actor, reason=body.reason, caps=caps, details=details
        )
    else:
        movement = await adjustments.take(body.user_id, -amount, actor=actor, reason=body.reason, details=details)
    return json_response(show_change(body.user_id, movement, "Credits adjusted", call.services.clock.now()))


async def add_credits_to_many(call: Call) -> Response:
    """Give several users the same (9.1.6)."""
    body = await read_json(BulkAddBody)
    require_distinct(body.user_ids)
    amount = parse_dollars(body.amount, "amount")
    results = await call.services.adjustments.add_to_many(
        body.user_ids,
        amount,
        actor=actor_name(call.caller.user_id),
        reason=body.reason,
        caps=grant_caps(call.edition.settings.credit_grants),
        details=show_details(body),
    )
    return json_response(show_bulk(results, amount, call.services.clock.now()))


async def refund_credits(call: Call) -> Response:
    """Give a charge back, once (9.1.7)."""
    body = await read_json(RefundBody)
    movement = await call.services.adjustments.refund(
        body.user_id,
        parse_dollars(body.amount, "amount"),
        original=original_id(body),
        actor=actor_name(call.caller.user_id),
        reason=body.reason,
        caps=grant_caps(call.edition.settings.credit_grants),
        details=show_details(body),
    )
    return json_response(show_change(body.user_id, movement, "Credits refunded", call.services.clock.now()))


ROUTES: Final = (
    Route(method="GET", path="/credits/balance", handler=show_credit_balance, guard="admin", query=BalanceQuery),
    Route(method="GET", path="/credits/summary", handler=show_credit_summary, guard="admin", query=SummaryQuery),
    Route(
        method="GET",
        path="/credits/transactions",
        handler=list_credit_transactions,
        guard="admin",
        query=TransactionQuery,
    ),
    Route(method="POST", path="/credits/add", handler=add_credits, guard="admin", body=AddBody),
    Route(method="POST", path="/credits/adjust", handler=adjust_credits, guard="admin", body=AdjustBody),
    Route(method="POST", path="/credits/bulk-add", handler=add_credits_to_many, guard="admin", body=BulkAddBody),
    Route(method="POST", path="/credits/refund", handler=refund_credits, guard="admin", body=RefundBody),
)
