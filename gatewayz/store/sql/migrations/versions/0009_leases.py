"""Who does the work that is done for all processes."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("done", UTCDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("leases")
