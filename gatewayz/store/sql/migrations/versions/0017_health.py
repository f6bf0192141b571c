"""Readings of health checks, beats of processes, and the gateway's own downtime."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "health_readings",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("place", sa.String(255), primary_key=True),
        sa.Column("kind", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("latency_ms", sa.Float()),
        sa.Column("detail", sa.String(500), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(100), nullable=False),
    )
    op.create_table(
        "beats",
        sa.Column("process", sa.String(64), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("beat_at", UTCDateTime(), nullable=False),
        sa.Column("stopped_at", UTCDateTime()),
    )
    op.create_table(
        "downtime",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("detected_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime()),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("error_message", sa.String(500), nullable=False),
        sa.Column("server_info", sa.JSON(), nullable=False),
        sa.Column("resolved_by", sa.String(100)),
        sa.Column("notes", sa.String(2000)),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('ongoing', 'investigating', 'resolved')", name="status"),
        sa.CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="severity"),
        sa.CheckConstraint("ended_at >= started_at", name="ended_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_downtime_started_at", "downtime", ["started_at"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("downtime")
    op.drop_table("beats")
    op.drop_table("health_readings")
