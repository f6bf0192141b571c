"""One answer as it is kept."""

from datetime import datetime

import msgspec

from gatewayz.sdk.usage import Usage

__all__ = ["KeptAnswer"]


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer with who gave it and what it used.

    `body` is as it went to its first caller, whole or all events of a stream; what it says of its own
    price stands between `spent_from` and `spent_to`, to be replaced by what a hit costs.
    """

    body: bytes
    spent_from: int
    spent_to: int
    usage: Usage
    provider: str
    model: str
    upstream_model: str
    dropped: tuple[str, ...] = ()
    made_at: datetime

    def told(self, spent: bytes) -> bytes:
        """Return the body, saying what this answer cost."""
        return self.body[: self.spent_from] + spent + self.body[self.spent_to :]
