"""Models under maintenance."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import UTCDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "model_maintenance",
        sa.Column("model", sa.String(256), primary_key=True),
        sa.Column("until", UTCDateTime()),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("model_maintenance")
