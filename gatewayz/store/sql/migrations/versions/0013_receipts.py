"""What receipts tell of a call besides its usage."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("usage_log", sa.Column("candidates", sa.String(400)))
    op.add_column("usage_log", sa.Column("reason", sa.String(200)))
    op.add_column("usage_log", sa.Column("rates", sa.String(200)))


def downgrade() -> None:
    """Take back."""
    for name in ("rates", "reason", "candidates"):
        op.drop_column("usage_log", name)
