"""Plans given, trials, coupons, referrals, and promised value."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UNBOOKED = sa.text("entry_id IS NULL")


def upgrade() -> None:
    """Apply."""
    op.add_column("users", sa.Column("plan_ends_at", UTCDateTime()))
    _create_plans_and_trials()
    _create_grants()
    _create_coupons()
    _create_referrals()


def downgrade() -> None:
    """Take back."""
    tables = ("referrals", "referral_codes", "coupon_redemptions", "coupons", "grants", "trials", "plan_assignments")
    for table in tables:
        op.drop_table(table)
    op.drop_column("users", "plan_ends_at")


def _user(table: str, name: str = "user_id", *, nullable: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey("users.id", name=f"fk_{table}_{name}_users")
    return sa.Column(name, BigId, key, nullable=nullable)


def _user_key(table: str) -> sa.Column[int]:
    key = sa.ForeignKey("users.id", name=f"fk_{table}_user_id_users")
    return sa.Column("user_id", BigId, key, primary_key=True, autoincrement=False)


def _create_plans_and_trials() -> None:
    op.create_table(
        "plan_assignments",
        sa.Column("id", BigId, primary_key=True),
        _user("plan_assignments"),
        sa.Column("plan", sa.String(64), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime()),
        sa.Column("assigned_by", sa.String(100), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_plan_assignments_user_id_id", "plan_assignments", ["user_id", "id"])
    op.create_table(
        "trials",
        _user_key("trials"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("partner_code", sa.String(32)),
        sa.Column("source", sa.String(100)),
        sa.Column("signup_ip", sa.String(64)),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("first_usage_id", sa.BigInteger(), nullable=False),
        sa.Column("credits_nano", sa.BigInteger(), nullable=False),
        sa.Column("max_tokens", sa.BigInteger(), nullable=False),
        sa.Column("max_requests", sa.BigInteger(), nullable=False),
        sa.Column("daily_cap_nano", sa.BigInteger()),
        sa.Column("converted_at", UTCDateTime()),
        sa.Column("requests_at_conversion", sa.BigInteger()),
        sa.Column("tokens_at_conversion", sa.BigInteger()),
        sa.CheckConstraint("kind IN ('standard', 'partner')", name="kind"),
        sa.CheckConstraint("(kind = 'partner') = (partner_code IS NOT NULL)", name="partner_code"),
    )
    op.create_index("ix_trials_partner_code", "trials", ["partner_code"])


def _create_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("key", sa.String(200), nullable=False),
        _user("grants"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account", sa.String(16), nullable=False),
        sa.Column("amount_nano", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("entry_id", sa.BigInteger()),
        sa.Column("before_nano", sa.BigInteger()),
        sa.Column("after_nano", sa.BigInteger()),
        sa.UniqueConstraint("key", name="uq_grants_key"),
        sa.CheckConstraint("account IN ('trial', 'purchased')", name="account"),
        sa.CheckConstraint("amount_nano > 0", name="amount_nano"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_grants_unbooked", "grants", ["id"], sqlite_where=UNBOOKED, postgresql_where=UNBOOKED)


def _create_coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("code", sa.String(50), nullable=False),
        sa.Column("value_nano", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("times_used", sa.Integer(), nullable=False),
        sa.Column("valid_from", UTCDateTime(), nullable=False),
        sa.Column("valid_until", UTCDateTime(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        _user("coupons", "assigned_to_user_id", nullable=True),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("description", sa.String(500)),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("code", name="uq_coupons_code"),
        sa.CheckConstraint("value_nano > 0", name="value_nano"),
        sa.CheckConstraint("times_used BETWEEN 0 AND max_uses", name="times_used"),
        sa.CheckConstraint("(scope = 'user_specific') = (assigned_to_user_id IS NOT NULL)", name="scope"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_coupons_assigned_to_user_id", "coupons", ["assigned_to_user_id"])
    op.create_table(
        "coupon_redemptions",
        sa.Column("id", BigId, primary_key=True),
        sa.Column(
            "coupon_id",
            BigId,
            sa.ForeignKey("coupons.id", name="fk_coupon_redemptions_coupon_id_coupons"),
            nullable=False,
        ),
        _user("coupon_redemptions"),
        sa.Column(
            "grant_id", BigId, sa.ForeignKey("grants.id", name="fk_coupon_redemptions_grant_id_grants"), nullable=False
        ),
        sa.Column("redeemed_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("coupon_id", "user_id", name="uq_coupon_redemptions_coupon_id_user_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_coupon_redemptions_user_id_id", "coupon_redemptions", ["user_id", "id"])


def _create_referrals() -> None:
    op.create_table(
        "referral_codes",
        _user_key("referral_codes"),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("times_used", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.UniqueConstraint("code", name="uq_referral_codes_code"),
        sa.CheckConstraint("times_used >= 0", name="times_used"),
    )
    op.create_table(
        "referrals",
        sa.Column("id", BigId, primary_key=True),
        _user("referrals", "referrer_id"),
        _user("referrals", "referred_id"),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("bonus_nano", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("completed_at", UTCDateTime()),
        sa.UniqueConstraint("referred_id", name="uq_referrals_referred_id"),
        sa.CheckConstraint("status IN ('pending', 'completed', 'lapsed')", name="status"),
        sa.CheckConstraint("referrer_id <> referred_id", name="referrer_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_referrals_referrer_id_id", "referrals", ["referrer_id", "id"])
