"""The usage log; on PostgreSQL one partition for each day and one for rows outside of them."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "usage_log",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("key_id", sa.BigInteger()),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("requested_model", sa.String(200), nullable=False),
        sa.Column("model", sa.String(200)),
        sa.Column("provider", sa.String(64)),
        sa.Column("upstream_model", sa.String(200)),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("error_code", sa.String(64)),
        sa.Column("is_stream", sa.Boolean(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_5m_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cache_write_1h_tokens", sa.BigInteger(), nullable=False),
        sa.Column("audio_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger(), nullable=False),
        sa.Column("audio_output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("usage_source", sa.String(16)),
        sa.Column("cost_nano", sa.BigInteger()),
        sa.Column("charged_nano", sa.BigInteger()),
        sa.Column("attempts", sa.String(400)),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("first_content_ms", sa.Integer()),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_usage_log_user_id_id", "usage_log", ["user_id", "id"])
    op.create_index("ix_usage_log_request_id", "usage_log", ["request_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TABLE usage_log_default PARTITION OF usage_log DEFAULT")


def downgrade() -> None:
    """Take back."""
    op.drop_table("usage_log")
