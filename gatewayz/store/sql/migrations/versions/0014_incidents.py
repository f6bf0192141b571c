"""Outages of offers and of whole providers."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    is_active = sa.text("resolved_at IS NULL")
    op.create_table(
        "incidents",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("better_since", UTCDateTime()),
        sa.Column("resolved_at", UTCDateTime()),
        sa.Column("resolved_by", sa.String(100)),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_count", sa.BigInteger(), nullable=False),
        sa.Column("notes", sa.String(2000)),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="severity"),
        sa.CheckConstraint("resolved_at >= started_at", name="resolved_at"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_incidents_active",
        "incidents",
        ["provider", "model"],
        unique=True,
        sqlite_where=is_active,
        postgresql_where=is_active,
    )
    op.create_index("ix_incidents_started_at", "incidents", ["started_at"])
    op.create_index("ix_incidents_resolved_at", "incidents", ["resolved_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("incidents")
