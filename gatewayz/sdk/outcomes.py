"""What becomes of the answers that a router's choices led to, for routers that learn from it."""

from typing import Literal, Protocol, runtime_checkable

import msgspec

from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.routing import Decision

__all__ = ["AnswerEnd", "AnswerFault", "HearsOutcomes", "Opinion"]

AnswerFault = Literal["length", "content_filter", "tool_arguments"]
"""What can be wrong with an answer that ended: cut off at the model's own limit (never at the caller's),
filtered, or a tool called with arguments that are no JSON object."""


class AnswerEnd(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was delivered to its end."""

    request_id: str
    user_id: int | None
    call: RoutingCall
    """As `rank` was given it."""
    decision: Decision | None
    """What `rank` decided."""
    model: str
    """Canonical id of the model that answered: not always the one chosen."""
    fault: AnswerFault | None = None


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What a user says of an answer to one of their own calls. A later one takes the place of the one before."""

    request_id: str
    user_id: int
    is_content: bool | None
    """None: it was taken back."""


@runtime_checkable
class HearsOutcomes(Protocol):
    """A `PoolRouter` that wants to know. Both methods are quick; what they raise is logged and changes nothing."""

    @property
    def is_listening(self) -> bool:
        """False while it would make nothing of what it is told: it is told nothing then."""
        ...

    def hear_end(self, end: AnswerEnd) -> None:
        """Hear of the end of an answer to a call that this router ranked."""
        ...

    def hear_opinion(self, opinion: Opinion) -> None:
        """Hear of an opinion; of answers of other routers, too."""
        ...
