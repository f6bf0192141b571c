"""What was observed of traffic, and the newest facts of offers."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COUNTERS = (
    "attempts",
    "successes",
    "faults",
    "rate_limited",
    "caller_faults",
    "abandoned",
    "requests",
    "failed_requests",
    "input_tokens",
    "output_tokens",
    "cost",
    "charged",
    "output_ms",
    "probes",
    "failed_probes",
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "traffic",
        sa.Column("step", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("start", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("process", sa.String(16), primary_key=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTERS),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "offer_states",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("last_outcome", sa.String(16)),
        sa.Column("last_status", sa.SmallInteger()),
        sa.Column("called_ms", sa.BigInteger(), nullable=False),
        sa.Column("success_ms", sa.BigInteger()),
        sa.Column("failure_ms", sa.BigInteger()),
        sa.Column("response_ms", sa.Float()),
        sa.Column("last_error", sa.String(64)),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
    )
    op.create_index("ix_offer_states_called_ms", "offer_states", ["called_ms"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("offer_states")
    op.drop_table("traffic")
