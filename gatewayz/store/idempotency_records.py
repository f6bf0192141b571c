"""Values of the idempotency aggregate."""

from typing import Literal

import msgspec

__all__ = ["Claimed", "Earlier", "Outcome", "Run", "State"]

State = Literal["running", "done", "spent", "released"]
"""`spent`: charged, and its answer is not kept. `released`: failed, the next request runs."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a caller's key."""

    user_id: int
    key: str
    number: int


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """The request is the one that runs, for the `run`-th time."""

    run: int


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier request with the key was, and came to."""

    fingerprint: str
    state: State
    headers: bytes | None = None
    """JSON of name and value pairs."""
    body: bytes | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended, kept until `expires_ms` (milliseconds since the epoch)."""

    state: State
    expires_ms: int
    headers: bytes | None = None
    body: bytes | None = None
