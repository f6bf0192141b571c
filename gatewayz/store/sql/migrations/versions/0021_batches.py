"""Files of users, batches and their lines."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_MOMENTS = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "files",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("public_id", sa.String(40), nullable=False, unique=True),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("filename", sa.String(255), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("is_ready", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime()),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_files_user_id_id"), "files", ["user_id", "id"])
    op.create_index(op.f("ix_files_expires_at"), "files", ["expires_at"])
    op.create_table(
        "file_chunks",
        sa.Column("file_id", BigId, sa.ForeignKey("files.id"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "batches",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("public_id", sa.String(40), nullable=False, unique=True),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.Column("input_file_id", sa.String(40), nullable=False),
        sa.Column("completion_window", sa.String(16), nullable=False),
        sa.Column("metadata", sa.Text()),
        sa.Column("output_ttl_s", sa.Integer()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("model", sa.String(256)),
        sa.Column("problems", sa.Text()),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("output_file_id", sa.String(40)),
        sa.Column("error_file_id", sa.String(40)),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        *(sa.Column(f"{state}_at", UTCDateTime()) for state in _MOMENTS),
        sa.CheckConstraint("completed + failed <= total", name="counts"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_batches_user_id_id"), "batches", ["user_id", "id"])
    op.create_index(op.f("ix_batches_state"), "batches", ["state"])
    op.create_table(
        "batch_lines",
        sa.Column("batch_id", BigId, sa.ForeignKey("batches.id"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("custom_id", sa.Text(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("request_id", sa.String(160)),
        sa.Column("status", sa.SmallInteger()),
        sa.Column("answer", sa.LargeBinary()),
        sa.CheckConstraint("state BETWEEN 0 AND 3", name="state"),
    )
    op.create_index(op.f("ix_batch_lines_batch_id_state_number"), "batch_lines", ["batch_id", "state", "number"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("batch_lines")
    op.drop_table("batches")
    op.drop_table("file_chunks")
    op.drop_table("files")
