"""The newest facts of an offer, from one event to the next."""

from datetime import datetime
from typing import Final

from gatewayz.domain.observation.traffic import OfferState
from gatewayz.sdk.observe import Attempt

__all__ = ["after_attempt", "after_probe"]

_ERROR_CHARACTERS: Final = 64


def after_attempt(before: OfferState, attempt: Attempt, at: datetime) -> OfferState:
    """Return the facts after a call. Rate limits, callers' faults and callers that left neither fail nor mend it."""
    return _after(
        before,
        at,
        outcome=attempt.outcome,
        status=attempt.provider_status,
        response_ms=attempt.duration_ms,
        error=attempt.error_code,
    )


def after_probe(
    before: OfferState, at: datetime, *, ok: bool, duration_ms: float | None, error_code: str | None
) -> OfferState:
    """Return the facts after a probe, which counts as a call with the same end would."""
    outcome = "success" if ok else "fault"
    return _after(before, at, outcome=outcome, status=None, response_ms=duration_ms, error=error_code)


def _after(
    before: OfferState, at: datetime, *, outcome: str, status: int | None, response_ms: float | None, error: str | None
) -> OfferState:
    has_succeeded, has_failed = outcome == "success", outcome == "fault"
    return OfferState(
        provider=before.provider,
        model=before.model,
        condition="unknown",
        last_outcome=outcome,
        last_status=status,
        last_called_at=at,
        last_success_at=at if has_succeeded else before.last_success_at,
        last_failure_at=at if has_failed else before.last_failure_at,
        last_response_ms=before.last_response_ms if response_ms is None else response_ms,
        last_error=before.last_error if error is None else error[:_ERROR_CHARACTERS],
        consecutive_failures=0 if has_succeeded else before.consecutive_failures + has_failed,
    )
