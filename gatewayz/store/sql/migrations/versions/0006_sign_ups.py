"""Profiles, identities, reset tokens, changes of roles."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "profiles",
        _user("profiles", is_primary=True),
        sa.Column("username", sa.String(100), nullable=False),
        sa.Column("username_folded", sa.String(100), nullable=False),
        sa.Column("name", sa.String(200)),
        sa.Column("auth_method", sa.String(32), nullable=False),
        sa.Column("phone_number", sa.String(32)),
        sa.Column("is_email_verified", sa.Boolean(), nullable=False),
        sa.Column("is_suspect", sa.Boolean(), nullable=False),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.UniqueConstraint("username_folded", name="uq_profiles_username_folded"),
    )
    op.create_table(
        "identities",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("provider", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        _user("identities"),
        sa.Column("is_founder", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("provider", "subject", name="uq_identities_provider_subject"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])
    op.create_table(
        "reset_tokens",
        sa.Column("token_hash", sa.LargeBinary(32), primary_key=True),
        _user("reset_tokens"),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime()),
    )
    op.create_table(
        "role_audit",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("previous_role", sa.String(64), nullable=False),
        sa.Column("new_role", sa.String(64), nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(1000)),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_role_audit_user_id_id", "role_audit", ["user_id", "id"])


def downgrade() -> None:
    """Take back."""
    for table in ("role_audit", "reset_tokens", "identities", "profiles"):
        op.drop_table(table)


def _user(table: str, *, is_primary: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey("users.id", name=f"fk_{table}_user_id_users")
    if is_primary:
        return sa.Column("user_id", BigId, key, primary_key=True, autoincrement=False)
    return sa.Column("user_id", BigId, key, nullable=False)
