"""Everyone who hears of attempts and settlements: the gateway's own records, then plugins."""

from collections.abc import Callable, Sequence

from gatewayz.flow.edition import Observers
from gatewayz.sdk.observe import Attempt, Settlement

__all__ = ["ObserverGroup"]


class ObserverGroup:
    """Tells the gateway's own recorders and the plugins' observers. Neither raises.

    :param recorders: called for each settlement, in order.
    """

    def __init__(self, recorders: Sequence[Callable[[Settlement], None]], plugins: Observers) -> None:
        self._recorders = tuple(recorders)
        self._plugins = plugins
        self.attempt_finished: Callable[[Attempt], None] = plugins.attempt_finished

    def request_settled(self, settlement: Settlement) -> None:
        """Tell of one request."""
        for record in self._recorders:
            record(settlement)
        self._plugins.request_settled(settlement)
