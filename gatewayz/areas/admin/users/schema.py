"""Query parameters of users for administrators. Source: spec 07 §2."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["BalanceQuery", "DomainQuery", "GrowthQuery", "KeyQuery", "UserQuery"]

_Offset = Annotated[int, Meta(ge=0, le=2**53)]


class UserQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of users."""

    email: str | None = None
    api_key: str | None = None
    is_active: bool | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 100
    offset: _Offset = 0


class BalanceQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/balance`: a part of the users, as many as one answer takes when not said otherwise."""

    limit: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    offset: _Offset = 0


class KeyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key; better sent in a body than in an address."""

    key: str | None = None
    api_key: str | None = None


class GrowthQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Over how many days."""

    days: Annotated[int, Meta(ge=1, le=365)] = 30


class DomainQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`DELETE /admin/users/by-domain/{domain}`: shown only, unless `dry_run` is false."""

    dry_run: bool = True
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000
