"""Moments in bodies and queries: what is written down must be one that UTC can name."""

from datetime import UTC, datetime
from typing import Final

import msgspec

__all__ = ["EPOCH", "check_moments"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_moments(values: msgspec.Struct, *, since: datetime | None = None) -> None:
    """Refuse moments that lie outside of the years 1 to 9999 in UTC, or before `since`. For `__post_init__`.

    Raises ValueError, which msgspec makes a ValidationError; `schema_error` finds the name in it.
    """
    for name, shown in zip(values.__struct_fields__, values.__struct_encode_fields__, strict=True):
        value = getattr(values, name)
        if not isinstance(value, datetime) or value.tzinfo is None:
            continue
        try:
            moment = value.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"Out of range: `{shown}` is not within the years 1 to 9999 in UTC") from None
        if since is not None and moment < since:
            raise ValueError(f"Out of range: `{shown}` is before {since:%Y-%m-%d}")
