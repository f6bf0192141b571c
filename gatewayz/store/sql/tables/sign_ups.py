"""Who people are: their profiles, the identities they sign in with, reset tokens, and changes of roles."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlmodel import Field, SQLModel

from gatewayz.store.sql.types import BigId, UTCDateTime

__all__ = ["IdentityRow", "ProfileRow", "ResetTokenRow", "RoleAuditRow"]


def _moment(*, nullable: bool = False) -> Column[datetime]:
    return Column(UTCDateTime(), nullable=nullable)


def _user(*, primary: bool = False) -> Column[int]:
    key = ForeignKey("users.id")
    return Column(BigId, key, primary_key=True, autoincrement=False) if primary else Column(BigId, key, nullable=False)


class ProfileRow(SQLModel, table=True):
    """What a person says of themself; users without one were made by an operator."""

    __tablename__ = "profiles"

    user_id: int = Field(sa_column=_user(primary=True))
    username: str = Field(sa_column=Column(String(100), nullable=False))
    username_folded: str = Field(sa_column=Column(String(100), nullable=False, unique=True))
    name: str | None = Field(default=None, sa_column=Column(String(200)))
    auth_method: str = Field(sa_column=Column(String(32), nullable=False))
    phone_number: str | None = Field(default=None, sa_column=Column(String(32)))
    is_email_verified: bool = False
    is_suspect: bool = False
    """The address is of a temporary-mail domain."""
    preferences: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class IdentityRow(SQLModel, table=True):
    """A subject of an identity provider and whose it is; one subject is one user however many ask at once."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("provider", "subject"), Index(None, "user_id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    provider: str = Field(sa_column=Column(String(64), nullable=False))
    subject: str = Field(sa_column=Column(String(255), nullable=False))
    user_id: int = Field(sa_column=_user())
    is_founder: bool = False
    """The user was made for this identity."""
    created_at: datetime = Field(sa_column=_moment())


class ResetTokenRow(SQLModel, table=True):
    """A token of a reset mail, by its hash."""

    __tablename__ = "reset_tokens"

    token_hash: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    user_id: int = Field(sa_column=_user())
    expires_at: datetime = Field(sa_column=_moment())
    used_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class RoleAuditRow(SQLModel, table=True):
    """A change of a role; rows are only added."""

    __tablename__ = "role_audit"
    __table_args__ = (Index(None, "user_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    user_id: int = Field(sa_column=Column(BigId, nullable=False))
    previous_role: str = Field(sa_column=Column(String(64), nullable=False))
    new_role: str = Field(sa_column=Column(String(64), nullable=False))
    changed_by: str = Field(sa_column=Column(String(100), nullable=False))
    reason: str | None = Field(default=None, sa_column=Column(String(1000)))
    created_at: datetime = Field(sa_column=_moment())
