"""Errors that are alike."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "error_patterns",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("first_ms", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )
    op.create_index("ix_error_patterns_last_ms", "error_patterns", ["last_ms"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("error_patterns")
