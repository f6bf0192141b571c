"""Everyone who hears of attempts and settlements: the gateway's own records, then plugins."""

from collections.abc import Callable, Sequence

from gatewayz.flow.edition import Observers
from gatewayz.sdk.observe import Attempt, Settlement

__all__ = ["ObserverGroup"]


class ObserverGroup:
    """Tells the gateway's own recorders and the plugins' observers. Neither raises.

    :param record_attempt: called for each attempt.
    :param recorders: called for each settlement, in order.
    """

    def __init__(
        self,
        record_attempt: Callable[[Attempt], None],
        recorders: Sequence[Callable[[Settlement], None]],
        plugins: Observers,
    ) -> None:
        self._record_attempt = record_attempt
        self._recorders = tuple(recorders)
        self._plugins = plugins

    def attempt_finished(self, attempt: Attempt) -> None:
        """Tell of one try at one offer."""
        self._record_attempt(attempt)
        self._plugins.attempt_finished(attempt)

    def request_settled(self, settlement: Settlement) -> None:
        """Tell of one request."""
        for record in self._recorders:
            record(settlement)
        self._plugins.request_settled(settlement)
