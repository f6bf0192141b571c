"""Wallets, holds, journal, processes."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIMIT = 4_000_000_000_000_000_000
VISIBLE = sa.text("kind NOT IN ('hold', 'extend', 'void')")
HAS_KEY = sa.text("key IS NOT NULL")
IS_OPEN = sa.text("state = 0")


def amount(name: str) -> sa.Column[int]:
    """Return a column of nano-dollars."""
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "ledger_wallets",
        sa.Column(
            "user_id",
            BigId,
            sa.ForeignKey("users.id", name="fk_ledger_wallets_user_id_users"),
            primary_key=True,
            autoincrement=False,
        ),
        *(amount(name) for name in ("trial", "allowance", "purchased", "held")),
        *(
            sa.CheckConstraint(f"{name} BETWEEN 0 AND {LIMIT}", name=name)
            for name in ("trial", "allowance", "purchased", "held")
        ),
    )
    op.create_table(
        "ledger_holds",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("process_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        *(amount(name) for name in ("trial", "allowance", "purchased", "captured", "refunded", "cost", "progress")),
        sa.Column("settle_entry_id", sa.BigInteger()),
        sa.Column("touched_ms", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("key", name="uq_ledger_holds_key"),
        sa.CheckConstraint("state BETWEEN 0 AND 3", name="state"),
        sa.CheckConstraint("trial >= 0 AND allowance >= 0 AND purchased >= 0", name="parts"),
        sa.CheckConstraint("captured BETWEEN 0 AND trial + allowance + purchased", name="captured"),
        sa.CheckConstraint("refunded BETWEEN 0 AND captured", name="refunded"),
    )
    op.create_index(
        "ix_ledger_holds_open", "ledger_holds", ["process_id"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    )
    accounts = (
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
    op.create_table(
        "ledger_entries",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(300)),
        sa.Column("reference", sa.String(300)),
        *(amount(name) for name in (*accounts, "balance_after")),
        sa.Column("actor", sa.String(100)),
        sa.Column("details", sa.Text()),
        sa.CheckConstraint(" + ".join(accounts) + " = 0", name="balanced"),
        sa.CheckConstraint("balance_after >= 0", name="balance_after"),
    )
    op.create_index(
        "uq_ledger_entries_key",
        "ledger_entries",
        ["key"],
        unique=True,
        sqlite_where=HAS_KEY,
        postgresql_where=HAS_KEY,
    )
    op.create_index(
        "ix_ledger_entries_user", "ledger_entries", ["user_id", "id"], sqlite_where=VISIBLE, postgresql_where=VISIBLE
    )
    op.create_table(
        "ledger_processes",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("beat_ms", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("ledger_processes", "ledger_entries", "ledger_holds", "ledger_wallets"):
        op.drop_table(table)
