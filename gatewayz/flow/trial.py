"""One attempt's report, given exactly once: to the breakers, and to who observes attempts."""

from gatewayz.domain.breakers.circuit import Permit
from gatewayz.flow.edition import Edition
from gatewayz.sdk.errors import GatewayzError, UpstreamError, UpstreamRateLimited
from gatewayz.sdk.observe import Attempt, Outcome
from gatewayz.sdk.offers import Offer

__all__ = ["Trial"]


class Trial:
    """An attempt under way. `succeeded`, `failed` and `abandoned` end it; later calls change nothing."""

    __slots__ = ("_edition", "_first_content", "_is_repeat", "_permit", "attempt", "offer", "request_id", "started")

    def __init__(
        self, edition: Edition, request_id: str, offer: Offer, permit: Permit, *, is_repeat: bool = False
    ) -> None:
        self.request_id = request_id
        self.offer = offer
        self.started = edition.clock.monotonic()
        self.attempt: Attempt | None = None
        self._edition = edition
        self._permit = permit
        self._is_repeat = is_repeat
        self._first_content: float | None = None

    def content_arrived(self) -> None:
        """Note when the first content of a stream came."""
        self._first_content = self._edition.clock.monotonic()

    @property
    def first_content_ms(self) -> float | None:
        """Time from the attempt's start to the first content of its stream; None for a whole answer."""
        return None if self._first_content is None else (self._first_content - self.started) * 1000.0

    def succeeded(self) -> Attempt:
        """The whole answer was relayed."""
        if self.attempt is None:
            self._edition.breakers.succeeded(self.offer.circuit, self._permit, latency_ms=self.first_content_ms)
        return self._end("success")

    def failed(self, error: GatewayzError) -> Attempt:
        """The provider did not answer, or not to the end."""
        if self.attempt is not None:
            return self.attempt
        breakers, circuit = self._edition.breakers, self.offer.circuit
        if isinstance(error, UpstreamRateLimited):
            breakers.rate_limited(circuit, self._permit, error.retry_after_s)
            return self._end("rate_limited", error)
        if isinstance(error, UpstreamError) and error.is_fault:
            breakers.failed(circuit, self._permit, is_repeat=self._is_repeat)
            return self._end("fault", error)
        breakers.abandoned(circuit, self._permit)
        return self._end("caller_fault", error)

    def abandoned(self) -> Attempt:
        """The caller left first."""
        if self.attempt is None:
            self._edition.breakers.abandoned(self.offer.circuit, self._permit)
        return self._end("abandoned")

    def _end(self, outcome: Outcome, error: GatewayzError | None = None) -> Attempt:
        if self.attempt is None:
            self.attempt = Attempt(
                request_id=self.request_id,
                offer=self.offer,
                outcome=outcome,
                error_code=error.code if error else None,
                provider_status=error.provider_status if isinstance(error, UpstreamError) else None,
                duration_ms=(self._edition.clock.monotonic() - self.started) * 1000.0,
                first_content_ms=self.first_content_ms,
            )
            self._edition.observers.attempt_finished(self.attempt)
        return self.attempt
