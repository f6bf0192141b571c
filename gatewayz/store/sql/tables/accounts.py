"""Users, their keys, and what was done to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from gatewayz.store.sql.types import BigId, UTCDateTime

__all__ = ["ApiKeyRow", "IdentityChangeRow", "KeyAuditRow", "RevisionRow", "UserRow"]


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(UTCDateTime(), nullable=nullable)


class UserRow(SQLModel, table=True):
    """A person or a machine with an account."""

    __tablename__ = "users"
    __table_args__ = {"sqlite_autoincrement": True}

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    email: str = Field(sa_column=Column(String(320), nullable=False))
    email_folded: str = Field(sa_column=Column(String(320), nullable=False, unique=True))
    """Case-folded: two spellings are one address."""
    role: str = Field(sa_column=Column(String(64), nullable=False))
    plan: str | None = Field(default=None, sa_column=Column(String(64)))
    plan_ends_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    """When the plan lapses; None is open-ended."""
    is_active: bool = True
    trial_ends_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())


class ApiKeyRow(SQLModel, table=True):
    """One API key; its text is nowhere."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("user_id", "name"),
        Index(
            "uq_api_keys_primary",
            "user_id",
            unique=True,
            sqlite_where=text("is_primary"),
            postgresql_where=text("is_primary"),
        ),
        {"sqlite_autoincrement": True},  # an id is never given twice
    )

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    user_id: int = Field(sa_column=Column(BigId, ForeignKey("users.id"), nullable=False))
    name: str = Field(sa_column=Column(String(200), nullable=False))
    environment_tag: str = Field(sa_column=Column(String(16), nullable=False))
    lookup_hash: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False, unique=True))
    ciphertext: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    cipher_version: int
    last_four: str = Field(sa_column=Column(String(4), nullable=False))
    is_active: bool = True
    is_primary: bool = False
    revoked_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    expires_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))
    max_requests: int | None = Field(default=None, sa_column=Column(BigId))
    requests_used: int = Field(default=0, sa_column=Column(BigId, nullable=False))
    ip_allowlist: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    domain_referrers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    scopes: dict[str, list[str]] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    limits: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=_moment())
    updated_at: datetime = Field(sa_column=_moment())
    last_used_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class KeyAuditRow(SQLModel, table=True):
    """What was done to a key, by whom; rows are only added."""

    __tablename__ = "key_audit"
    __table_args__ = (Index(None, "user_id", "id"),)

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    user_id: int = Field(sa_column=Column(BigId, nullable=False))
    key_id: int | None = Field(default=None, sa_column=Column(BigId))
    actor: str = Field(sa_column=Column(String(100), nullable=False))
    """`user:7`, `cli`, `system`."""
    action: str = Field(sa_column=Column(String(32), nullable=False))
    details: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=_moment())


class RevisionRow(SQLModel, table=True):
    """A counter that moves with every change of an aggregate; its row lock puts changes in commit order."""

    __tablename__ = "revisions"

    name: str = Field(sa_column=Column(String(32), primary_key=True))
    value: int = Field(sa_column=Column(BigId, nullable=False))


class IdentityChangeRow(SQLModel, table=True):
    """Whose cached identity is out of date since which revision."""

    __tablename__ = "identity_changes"

    revision: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))
    user_id: int = Field(sa_column=Column(BigId, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    created_at: datetime = Field(sa_column=_moment())
