"""Which model a conversation has, so that it keeps it."""

from collections import OrderedDict
from typing import Final

from gatewayz.sdk.interfaces import RoutingCall

__all__ = ["Conversations"]

REMEMBERED: Final = 10_000


class Conversations:
    """Remembers the models of this process's last conversations.

    A conversation is known by its first message and its caller's word for it. Another process that
    does not know it finds the same model by deciding on that first message once more.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._models: OrderedDict[int, str] = OrderedDict()
        self._remembered = remembered

    def find(self, call: RoutingCall) -> str | None:
        """Return the model of a conversation that goes on; None for a new or unknown one."""
        return self._models.get(_key(call)) if call.user_messages > 1 else None

    def remember(self, call: RoutingCall, model: str) -> None:
        """Note which model a conversation has; the one not heard of for longest is forgotten."""
        key = _key(call)
        self._models[key] = model
        self._models.move_to_end(key)
        if len(self._models) > self._remembered:
            self._models.popitem(last=False)


def _key(call: RoutingCall) -> int:
    return hash((call.affinity, call.opening, call.model))
