"""Users, keys, their audit, and the feed of identity changes."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "users",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("email_folded", sa.String(320), nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("plan", sa.String(64)),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("trial_ends_at", UTCDateTime()),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("email_folded", name="uq_users_email_folded"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id", name="fk_api_keys_user_id_users"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("environment_tag", sa.String(16), nullable=False),
        sa.Column("lookup_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("cipher_version", sa.Integer(), nullable=False),
        sa.Column("last_four", sa.String(4), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("revoked_at", UTCDateTime()),
        sa.Column("expires_at", UTCDateTime()),
        sa.Column("max_requests", BigId),
        sa.Column("requests_used", BigId, nullable=False),
        sa.Column("ip_allowlist", sa.JSON(), nullable=False),
        sa.Column("domain_referrers", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("last_used_at", UTCDateTime()),
        sa.UniqueConstraint("user_id", "name", name="uq_api_keys_user_id_name"),
        sa.UniqueConstraint("lookup_hash", name="uq_api_keys_lookup_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_api_keys_primary",
        "api_keys",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("is_primary"),
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "key_audit",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("key_id", BigId),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_key_audit_user_id_id", "key_audit", ["user_id", "id"])
    op.create_table(
        "revisions",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", BigId, nullable=False),
    )
    op.execute("INSERT INTO revisions (name, value) VALUES ('identity', 0)")
    op.create_table(
        "identity_changes",
        sa.Column("revision", BigId, primary_key=True, autoincrement=False),
        sa.Column("user_id", BigId, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("identity_changes", "revisions", "key_audit", "api_keys", "users"):
        op.drop_table(table)
