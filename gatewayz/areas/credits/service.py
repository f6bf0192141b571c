"""The answers of `/credits`. Source: spec 04 §1 (cases 9.1.1 to 9.1.7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gatewayz.areas.credits.schema import RefundBody
from gatewayz.domain.credits.adjustments import BulkResult
from gatewayz.domain.credits.transactions import show_totals
from gatewayz.domain.ledger.operations import Balances, Movement
from gatewayz.sdk.errors import InvalidRequest, SchemaInvalid
from gatewayz.sdk.money import usd_float
from gatewayz.store.journal_records import MoneyTotals
from gatewayz.store.records import User

__all__ = [
    "original_id",
    "require_distinct",
    "show_balance",
    "show_bulk",
    "show_change",
    "show_details",
    "show_summary",
]


def show_details(body: msgspec.Struct) -> Mapping[str, Any]:
    """Return what is kept with a movement: the caller's metadata and description."""
    metadata: dict[str, Any] = getattr(body, "metadata", {})
    if len(msgspec.json.encode(metadata)) > 4096:
        raise InvalidRequest("metadata has at most 4096 bytes.", code="PARAMETER_OUT_OF_RANGE", param="metadata")
    description = getattr(body, "description", None)
    return {**metadata, **({"description": description} if description else {})}


def original_id(body: RefundBody) -> int | None:
    """Return the id of the charge to give back. Raises SchemaInvalid."""
    given = body.original_transaction_id
    if given is None:
        return None
    text = str(given)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63):
        raise SchemaInvalid("original_transaction_id is the id of a transaction.", param="original_transaction_id")
    return int(text)


def require_distinct(user_ids: Sequence[int]) -> None:
    """Raise SchemaInvalid when a user stands in the list twice: that would pay twice."""
    if len(set(user_ids)) != len(user_ids):
        raise SchemaInvalid("user_ids names a user twice.", param="user_ids")


def show_balance(user_id: int, balances: Balances, allowance_reset: datetime | None, now: datetime) -> dict[str, Any]:
    """Return what a user has, in dollars (9.1.1); `held` is set aside for running requests."""
    total = balances.spendable + balances.held
    return {
        "status": "success",
        "user_id": user_id,
        "purchased_credits": usd_float(balances.purchased),
        "subscription_allowance": usd_float(balances.allowance),
        "trial_credits": usd_float(balances.trial),
        "held_credits": usd_float(balances.held),
        "total_credits": usd_float(total),
        "credits": usd_float(total),
        "allowance_reset_date": allowance_reset,
        "timestamp": now,
    }


def show_change(user_id: int, movement: Movement, message: str, now: datetime) -> dict[str, Any]:
    """Return the common answer of a change."""
    return {
        "status": "success",
        "message": message,
        "user_id": user_id,
        "previous_balance": usd_float(movement.before),
        "new_balance": usd_float(movement.after),
        "amount_changed": usd_float(movement.after - movement.before),
        "transaction_id": str(movement.entry_id),
        "timestamp": now,
    }


def show_bulk(results: Sequence[BulkResult], amount: int, now: datetime) -> dict[str, Any]:
    """Return the outcome for each of many (9.1.6)."""
    done = sum(result.movement is not None for result in results)
    failed = len(results) - done
    return {
        "status": "success" if not failed else "partial" if done else "failed",
        "message": f"Added credits to {done} of {len(results)} users",
        "total_users": len(results),
        "successful": done,
        "failed": failed,
        "amount_per_user": usd_float(amount),
        "total_credits_added": usd_float(amount * done),
        "results": [_one(result) for result in results],
        "timestamp": now,
    }


def show_summary(
    totals: MoneyTotals, user: User | None, balances: Balances | None, filters: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return sums of the system, or of one user (9.1.2)."""
    if user is None or balances is None:
        sums = {
            "total_users": totals.users,
            "total_credits_in_system": usd_float(totals.held_by_users),
            "average_credits_per_user": usd_float(totals.held_by_users // max(1, totals.users)),
            **show_totals(totals),
        }
        return {"status": "success", "system_summary": sums, "filters": filters, "timestamp": now}
    return {
        "status": "success",
        "user_id": user.id,
        "user_info": {"email": user.email, "role": user.role, "is_active": user.is_active},
        "current_balance": usd_float(balances.spendable + balances.held),
        "summary": show_totals(totals),
        "filters": filters,
        "timestamp": now,
    }


def _one(result: BulkResult) -> dict[str, Any]:
    moved = result.movement
    return {
        "user_id": result.user_id,
        "success": moved is not None,
        "previous_balance": None if moved is None else usd_float(moved.before),
        "new_balance": None if moved is None else usd_float(moved.after),
        "transaction_id": None if moved is None else str(moved.entry_id),
        **({} if result.error is None else {"error": result.error}),
    }
