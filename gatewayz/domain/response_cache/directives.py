"""What a caller's `cache-control` asks. Source: RFC 9111 §5.2.1."""

import msgspec

__all__ = ["Directives", "read_directives"]


class Directives(msgspec.Struct, frozen=True, kw_only=True):
    """What the call may do with the cache."""

    may_find: bool = True
    may_keep: bool = True
    max_age_s: int | None = None
    """Only answers that are not older."""


def read_directives(header: bytes) -> Directives:
    """Return what `cache-control` means: `no-store` neither finds nor keeps, `no-cache` makes a new answer.

    Directives that are not of a request's, or not understood, are passed over as RFC 9111 wants it.
    """
    if not header:
        return Directives()
    may_find = may_keep = True
    max_age_s: int | None = None
    for part in header.lower().split(b","):
        name, _, value = part.strip().partition(b"=")
        value = value.strip(b'" ')
        if name == b"no-store":
            may_find = may_keep = False
        elif name == b"no-cache":
            may_find = False
        elif name == b"max-age" and value.isdigit():
            max_age_s = int(value[:9])
    return Directives(may_find=may_find, may_keep=may_keep, max_age_s=max_age_s)
