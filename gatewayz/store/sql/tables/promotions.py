"""Plans given, trials, coupons, referrals, and the value they promise until the ledger has booked it.

Plain SQLAlchemy tables. What must happen once is a unique key, what is bounded is a CHECK or a
guarded update. Source: docs/decisions/0120-grants-are-promised-then-booked.md.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = [
    "coupon_redemptions",
    "coupons",
    "grants",
    "plan_assignments",
    "referral_codes",
    "referrals",
    "trials",
]

plan_assignments = Table(
    "plan_assignments",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("plan", String(64), nullable=False),
    Column("starts_at", UTCDateTime(), nullable=False),
    Column("ends_at", UTCDateTime()),
    Column("assigned_by", String(100), nullable=False),
    Index(None, "user_id", "id"),
    sqlite_autoincrement=True,
)

trials = Table(
    "trials",
    metadata,
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("partner_code", String(32)),
    Column("source", String(100)),
    Column("signup_ip", String(64)),
    Column("started_at", UTCDateTime(), nullable=False),
    Column("ends_at", UTCDateTime(), nullable=False),
    Column("first_usage_id", BigInteger, nullable=False),
    Column("credits_nano", BigInteger, nullable=False),
    Column("max_tokens", BigInteger, nullable=False),
    Column("max_requests", BigInteger, nullable=False),
    Column("daily_cap_nano", BigInteger),
    Column("converted_at", UTCDateTime()),
    Column("requests_at_conversion", BigInteger),
    Column("tokens_at_conversion", BigInteger),
    CheckConstraint("kind IN ('standard', 'partner')", name="kind"),
    CheckConstraint("(kind = 'partner') = (partner_code IS NOT NULL)", name="partner_code"),
    Index(None, "partner_code"),
)

grants = Table(
    "grants",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("account", String(16), nullable=False),
    Column("amount_nano", BigInteger, nullable=False),
    Column("details", Text, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("entry_id", BigInteger),
    Column("before_nano", BigInteger),
    Column("after_nano", BigInteger),
    CheckConstraint("account IN ('trial', 'purchased')", name="account"),
    CheckConstraint("amount_nano > 0", name="amount_nano"),
    Index("ix_grants_unbooked", "id", sqlite_where=text("entry_id IS NULL"), postgresql_where=text("entry_id IS NULL")),
    sqlite_autoincrement=True,
)

coupons = Table(
    "coupons",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("code", String(50), nullable=False, unique=True),
    Column("value_nano", BigInteger, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("type", String(16), nullable=False),
    Column("max_uses", Integer, nullable=False),
    Column("times_used", Integer, nullable=False),
    Column("valid_from", UTCDateTime(), nullable=False),
    Column("valid_until", UTCDateTime(), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("assigned_to_user_id", BigId, ForeignKey("users.id")),
    Column("created_by", String(100), nullable=False),
    Column("description", String(500)),
    Column("created_at", UTCDateTime(), nullable=False),
    CheckConstraint("value_nano > 0", name="value_nano"),
    CheckConstraint("times_used BETWEEN 0 AND max_uses", name="times_used"),
    CheckConstraint("(scope = 'user_specific') = (assigned_to_user_id IS NOT NULL)", name="scope"),
    Index(None, "assigned_to_user_id"),
    sqlite_autoincrement=True,
)

coupon_redemptions = Table(
    "coupon_redemptions",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("coupon_id", BigId, ForeignKey("coupons.id"), nullable=False),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("grant_id", BigId, ForeignKey("grants.id"), nullable=False),
    Column("redeemed_at", UTCDateTime(), nullable=False),
    UniqueConstraint("coupon_id", "user_id"),
    Index(None, "user_id", "id"),
    sqlite_autoincrement=True,
)

referral_codes = Table(
    "referral_codes",
    metadata,
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("code", String(8), nullable=False, unique=True),
    Column("times_used", Integer, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    CheckConstraint("times_used >= 0", name="times_used"),
)

referrals = Table(
    "referrals",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("referrer_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("referred_id", BigId, ForeignKey("users.id"), nullable=False, unique=True),
    Column("code", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("bonus_nano", BigInteger, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("completed_at", UTCDateTime()),
    CheckConstraint("status IN ('pending', 'completed', 'lapsed')", name="status"),
    CheckConstraint("referrer_id <> referred_id", name="referrer_id"),
    Index(None, "referrer_id", "id"),
    sqlite_autoincrement=True,
)
