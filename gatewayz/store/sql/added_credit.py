"""`credits.added`, written in the transaction that books the credit: neither is there without the other.

Source: docs/decisions/0186-webhook-outbox.md.
"""

from gatewayz.sdk.money import usd_float
from gatewayz.store.ledger_records import EntryRow
from gatewayz.store.moment_id import moment_of
from gatewayz.store.sql.statements import Statements
from gatewayz.store.webhook_records import event_of, milliseconds

__all__ = ["tell_added_credit"]

_TYPE = "credits.added"
# ruff: noqa: S608  (the names in these queries are our own)
_INSERT = (
    "INSERT INTO webhook_deliveries"
    " (event_id, endpoint_id, type, body, state, attempts, created_ms, next_ms, expires_ms)"
    f" SELECT {{}}, id, '{_TYPE}', {{}}, 'waiting', 0, {{}}, {{}}, {{}} FROM webhook_endpoints"
    f" WHERE user_id = {{}} AND is_active AND (events = '*' OR events LIKE '%,{_TYPE},%')"
    "{} ON CONFLICT (endpoint_id, event_id) DO NOTHING"
)
# An endpoint that is being deleted is passed over: the booking must neither wait for that nor fail of it.
_NOT_BEING_DELETED = " FOR KEY SHARE SKIP LOCKED"
_STATEMENTS = {
    "?": _INSERT.format("?", "?", "?", "?", "?", "?", ""),
    "$n": _INSERT.format(
        "CAST($1 AS VARCHAR)",
        "CAST($2 AS TEXT)",
        "CAST($3 AS BIGINT)",
        "CAST($4 AS BIGINT)",
        "CAST($5 AS BIGINT)",
        "CAST($6 AS BIGINT)",
        _NOT_BEING_DELETED,
    ),
}


def tell_added_credit(statements: Statements, entry: EntryRow) -> None:
    """Write down for the customer's endpoints that credit came in; nothing for an entry by which none did."""
    added = entry.trial + entry.allowance + entry.purchased
    if added <= 0:
        return
    data = {
        "transaction_id": entry.id,
        "kind": entry.kind,
        "amount": usd_float(added),
        "balance": usd_float(entry.balance_after),
    }
    event = event_of(entry.user_id, _TYPE, data, milliseconds(moment_of(entry.id)), f"entry {entry.id}")
    values = (event.id, event.body, event.created_ms, event.created_ms, event.expires_ms, event.user_id)
    statements.change(_STATEMENTS[statements.marks], values)
