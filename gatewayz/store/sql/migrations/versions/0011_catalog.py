"""What providers list, how asking them went, and every round of it."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "catalog_listings",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("native", sa.String(300), primary_key=True),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(32), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
    )
    op.create_table(
        "catalog_lists",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("last_run_at", UTCDateTime(), nullable=False),
        sa.Column("last_success_at", UTCDateTime()),
        sa.Column("last_error", sa.String(500)),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("priced", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
    )
    op.create_table(
        "catalog_runs",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime()),
        sa.Column("providers", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(500)),
    )
    op.create_index("ix_catalog_runs_started_at", "catalog_runs", ["started_at"])
    op.execute("INSERT INTO revisions (name, value) VALUES ('catalog', 0)")


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM revisions WHERE name = 'catalog'")
    for table in ("catalog_runs", "catalog_lists", "catalog_listings"):
        op.drop_table(table)
