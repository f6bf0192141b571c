"""Sound and read-out text in the usage log, beside tokens and pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("usage_log", sa.Column("audio_ms", sa.BigInteger()))
    op.add_column("usage_log", sa.Column("characters", sa.BigInteger()))


def downgrade() -> None:
    """Take back."""
    for name in ("characters", "audio_ms"):
        op.drop_column("usage_log", name)
