"""The ledger: wallets, holds, journal, and which processes live.

The rules of money are CHECK constraints: whatever the code does, a balance is not negative, a
charge is not above its hold, an entry is balanced. Plain SQLAlchemy tables, written by hand-made
statements in groups. Source: docs/decisions/0063-ledger.md.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, SmallInteger, String, Table, Text, text

from gatewayz.store.sql.types import BigId, metadata

__all__ = ["ledger_entries", "ledger_holds", "ledger_processes", "ledger_wallets"]

LIMIT = 4_000_000_000_000_000_000
"""Nano-dollars; below 2**63, where SQLite would turn a sum into a float."""


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


ledger_wallets = Table(
    "ledger_wallets",
    metadata,
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    _amount("trial"),
    _amount("allowance"),
    _amount("purchased"),
    _amount("held"),
    CheckConstraint(f"trial BETWEEN 0 AND {LIMIT}", name="trial"),
    CheckConstraint(f"allowance BETWEEN 0 AND {LIMIT}", name="allowance"),
    CheckConstraint(f"purchased BETWEEN 0 AND {LIMIT}", name="purchased"),
    CheckConstraint(f"held BETWEEN 0 AND {LIMIT}", name="held"),
)

ledger_holds = Table(
    "ledger_holds",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("key", String(300), nullable=False, unique=True),
    Column("user_id", BigInteger, nullable=False),
    Column("process_id", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    _amount("trial"),
    _amount("allowance"),
    _amount("purchased"),
    _amount("captured"),
    _amount("refunded"),
    _amount("cost"),
    _amount("progress"),
    Column("settle_entry_id", BigInteger),
    Column("touched_ms", BigInteger, nullable=False),
    CheckConstraint("state BETWEEN 0 AND 3", name="state"),
    CheckConstraint("trial >= 0 AND allowance >= 0 AND purchased >= 0", name="parts"),
    CheckConstraint("captured BETWEEN 0 AND trial + allowance + purchased", name="captured"),
    CheckConstraint("refunded BETWEEN 0 AND captured", name="refunded"),
    Index(
        "ix_ledger_holds_open",
        "process_id",
        sqlite_where=text("state = 0"),
        postgresql_where=text("state = 0"),
    ),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("key", String(300)),
    Column("reference", String(300)),
    _amount("trial"),
    _amount("allowance"),
    _amount("purchased"),
    _amount("held"),
    _amount("revenue"),
    _amount("loss"),
    _amount("provider_cost"),
    _amount("provider_payable"),
    _amount("promotions"),
    _amount("clearing"),
    _amount("balance_after"),
    Column("actor", String(100)),
    Column("details", Text),
    CheckConstraint(
        "trial + allowance + purchased + held + revenue + loss + provider_cost + provider_payable"
        " + promotions + clearing = 0",
        name="balanced",
    ),
    CheckConstraint("balance_after >= 0", name="balance_after"),
    Index(
        "uq_ledger_entries_key",
        "key",
        unique=True,
        sqlite_where=text("key IS NOT NULL"),
        postgresql_where=text("key IS NOT NULL"),
    ),
    Index(
        "ix_ledger_entries_user",
        "user_id",
        "id",
        sqlite_where=text("kind NOT IN ('hold', 'extend', 'void')"),
        postgresql_where=text("kind NOT IN ('hold', 'extend', 'void')"),
    ),
)

ledger_processes = Table(
    "ledger_processes",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("beat_ms", BigInteger, nullable=False),
)
