"""Deriving every balance from the journal."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.engine import Connection

from gatewayz.store.ledger_records import AuditFinding

__all__ = ["ACCOUNTS", "audit", "totals"]

ACCOUNTS: Final = (
    "trial",
    "allowance",
    "purchased",
    "held",
    "revenue",
    "loss",
    "provider_cost",
    "provider_payable",
    "promotions",
    "clearing",
)
CUSTOMER_ACCOUNTS: Final = ACCOUNTS[:4]
# ruff: noqa: S608  (every name below is our own)
_UNBALANCED: Final = f"""
SELECT id, {" + ".join(ACCOUNTS)} FROM ledger_entries WHERE {" + ".join(ACCOUNTS)} <> 0 ORDER BY id LIMIT :limit
"""
_WALLETS: Final = f"""
SELECT user_id, {", ".join(f"sum({a}) AS {a}, sum(kept_{a}) AS kept_{a}" for a in CUSTOMER_ACCOUNTS)}
FROM (
  SELECT user_id, {", ".join(f"{a}, 0 AS kept_{a}" for a in CUSTOMER_ACCOUNTS)} FROM ledger_entries
  UNION ALL
  SELECT user_id, {", ".join(f"0 AS {a}, {a} AS kept_{a}" for a in CUSTOMER_ACCOUNTS)} FROM ledger_wallets
) AS both_sides
GROUP BY user_id
HAVING {" OR ".join(f"sum({a}) <> sum(kept_{a})" for a in CUSTOMER_ACCOUNTS)}
ORDER BY user_id LIMIT :limit
"""
_HELD: Final = """
SELECT w.user_id, w.held, coalesce(h.held, 0)
FROM ledger_wallets AS w
LEFT JOIN (
  SELECT user_id, sum(trial + allowance + purchased) AS held FROM ledger_holds WHERE state = 0 GROUP BY user_id
) AS h ON h.user_id = w.user_id
WHERE w.held <> coalesce(h.held, 0)
ORDER BY w.user_id LIMIT :limit
"""
_HOLDS: Final = """
SELECT h.key, h.held, coalesce(e.held, 0), h.captured, coalesce(e.revenue, 0) + coalesce(e.loss, 0)
FROM (
  SELECT key, CASE WHEN state = 0 THEN trial + allowance + purchased ELSE 0 END AS held,
         captured - refunded AS captured
  FROM ledger_holds
) AS h
LEFT JOIN (
  SELECT reference, sum(held) AS held, sum(revenue) AS revenue, sum(loss) AS loss
  FROM ledger_entries WHERE reference IS NOT NULL GROUP BY reference
) AS e ON e.reference = h.key
WHERE h.held <> coalesce(e.held, 0) OR h.captured <> coalesce(e.revenue, 0) + coalesce(e.loss, 0)
ORDER BY h.key LIMIT :limit
"""


def totals(connection: Connection) -> dict[str, int]:
    """Return the balance of every account over all entries."""
    sums = ", ".join(f"coalesce(sum({account}), 0)" for account in ACCOUNTS)
    row = connection.execute(text(f"SELECT {sums} FROM ledger_entries")).one()
    return {account: int(value) for account, value in zip(ACCOUNTS, row, strict=True)}


def audit(connection: Connection, limit: int) -> list[AuditFinding]:
    """Return the first differences between the journal and what is kept beside it.

    Entries are balanced; wallets are the sums of their entries; what a wallet holds is in open holds;
    each hold has booked what it says.
    """
    findings: list[AuditFinding] = []

    def rows(statement: str) -> list[Any]:
        left = limit - len(findings)
        return list(connection.execute(text(statement), {"limit": left})) if left > 0 else []

    for entry_id, total in rows(_UNBALANCED):
        findings.append(AuditFinding(where=f"entry {entry_id}", what="sum of the entry", kept=int(total), derived=0))
    for user_id, *sums in rows(_WALLETS):
        for account, derived, kept in zip(CUSTOMER_ACCOUNTS, sums[::2], sums[1::2], strict=True):
            if derived != kept:
                findings.append(
                    AuditFinding(where=f"user {user_id}", what=account, kept=int(kept), derived=int(derived))
                )
    for user_id, kept, derived in rows(_HELD):
        findings.append(
            AuditFinding(where=f"user {user_id}", what="held, by open holds", kept=int(kept), derived=int(derived))
        )
    for key, held, entries_held, captured, booked in rows(_HOLDS):
        if held != entries_held:
            finding = AuditFinding(where=f"hold {key}", what="held", kept=int(held), derived=int(entries_held))
        else:
            finding = AuditFinding(where=f"hold {key}", what="captured", kept=int(captured), derived=int(booked))
        findings.append(finding)
    return findings[:limit]
