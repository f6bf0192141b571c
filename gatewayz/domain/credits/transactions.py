"""Journal entries as callers see them, and their filters as callers write them. Source: spec 04 §1."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.sdk.errors import InvalidRequest, SchemaInvalid
from gatewayz.sdk.money import nano_from_usd, usd_float
from gatewayz.store.journal_records import EntryFilter, EntryPage, MoneyTotals, SortBy
from gatewayz.store.ledger_records import EntryRow
from gatewayz.store.moment_id import moment_of

__all__ = [
    "TransactionQuery",
    "entry_filter",
    "parse_dollars",
    "parse_moment",
    "show_page",
    "show_totals",
    "show_transaction",
]

_MAX_ID: Final = 2**63 - 1
Id = Annotated[int, Meta(ge=1, le=_MAX_ID)]


class TransactionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Query parameters of lists of transactions; amounts in dollars, dates in ISO 8601."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    offset: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    user_id: Id | None = None
    transaction_type: Annotated[str, Meta(max_length=32)] | None = None
    from_date: str | None = None
    to_date: str | None = None
    min_amount: str | None = None
    max_amount: str | None = None
    direction: Literal["credit", "charge"] | None = None
    payment_id: Id | None = None
    include_summary: bool = False
    sort_by: SortBy = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"


def entry_filter(query: TransactionQuery) -> EntryFilter:
    """Return the filter of a query. Raises SchemaInvalid naming the parameter."""
    return EntryFilter(
        user_id=query.user_id,
        kind=query.transaction_type,
        since=parse_moment(query.from_date, "from_date", is_end=False),
        until=parse_moment(query.to_date, "to_date", is_end=True),
        min_amount=_bound(query.min_amount, "min_amount"),
        max_amount=_bound(query.max_amount, "max_amount"),
        direction=query.direction,
        payment_id=query.payment_id,
    )


def parse_dollars(value: str | Decimal, param: str, *, is_signed: bool = False) -> int:
    """Return nano-dollars. Raises InvalidRequest: not finite, above a billion, too many digits, zero, below zero."""
    try:
        amount = nano_from_usd(value)
    except ValueError as err:
        raise InvalidRequest(
            f"{param} is a finite amount of dollars with at most nine decimal places.",
            code="PARAMETER_OUT_OF_RANGE",
            param=param,
        ) from err
    if amount == 0 or (amount < 0 and not is_signed):
        raise InvalidRequest(
            f"{param} is {'not zero' if is_signed else 'more than zero'}.", code="PARAMETER_OUT_OF_RANGE", param=param
        )
    return amount


def show_transaction(entry: EntryRow) -> dict[str, Any]:
    """Return one transaction; `amount` is the customer's change in dollars.

    Ids are strings: they have 63 bits, more than a JSON number keeps everywhere.
    """
    change = entry.trial + entry.allowance + entry.purchased + entry.held
    metadata: dict[str, Any] = msgspec.json.decode(entry.details) if entry.details else {}
    if entry.kind == "api_usage" and entry.reference is not None:
        metadata["request_id"] = entry.reference.partition(":")[2] or entry.reference
    return {
        "id": str(entry.id),
        "user_id": entry.user_id,
        "amount": usd_float(change),
        "transaction_type": entry.kind,
        "description": metadata.get("description") or metadata.get("reason") or _described(entry, metadata),
        "balance_before": usd_float(entry.balance_after - change),
        "balance_after": usd_float(entry.balance_after),
        "created_at": moment_of(entry.id).isoformat(),
        "payment_id": metadata.get("payment_id"),
        "metadata": metadata,
        "created_by": entry.actor,
    }


def show_page(page: EntryPage, query: TransactionQuery) -> dict[str, Any]:
    """Return a list of transactions with its paging and the filters that were applied."""
    return {
        "transactions": [show_transaction(entry) for entry in page.entries],
        "pagination": {
            "total": page.total,
            "limit": query.limit,
            "offset": query.offset,
            "has_more": query.offset + len(page.entries) < page.total,
        },
        "filters_applied": _applied(query),
    }


def show_totals(totals: MoneyTotals) -> dict[str, Any]:
    """Return sums over transactions, in dollars."""
    added = sum(found.added for found in totals.by_kind.values())
    used = sum(found.used for found in totals.by_kind.values())
    return {
        "total_transactions": sum(found.count for found in totals.by_kind.values()),
        "total_credits_added": usd_float(added),
        "total_credits_used": usd_float(used),
        "net_change": usd_float(added - used),
        "by_type": {
            kind: {"count": found.count, "total_amount": usd_float(found.added - found.used)}
            for kind, found in sorted(totals.by_kind.items())
        },
    }


def _applied(query: TransactionQuery) -> dict[str, Any]:
    paging = ("limit", "offset", "include_summary")
    given = msgspec.structs.asdict(query)
    return {name: value for name, value in given.items() if value is not None and name not in paging}


def _described(entry: EntryRow, metadata: Mapping[str, Any]) -> str:
    words = entry.kind.replace("_", " ").capitalize()
    return f"{words}: {metadata['model']}" if "model" in metadata else words


def _bound(text: str | None, param: str) -> int | None:
    if text is None:
        return None
    try:
        return nano_from_usd(text)
    except ValueError as err:
        raise SchemaInvalid(f"{param} is an amount of dollars.", param=param) from err


def parse_moment(text: str | None, param: str, *, is_end: bool) -> datetime | None:
    """Return a moment; a date alone is its first moment, or for an end the first one after it.

    Raises SchemaInvalid naming `param`.
    """
    if not text:
        return None
    try:
        if len(text) == len("2026-01-01"):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1) if is_end else day
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except (ValueError, OverflowError) as err:
        raise SchemaInvalid(f"{param} is a date or a date and time in ISO 8601.", param=param) from err
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
