"""The first offer that answers well."""

from collections.abc import Iterator

import msgspec

from gatewayz.domain.breakers.circuit import Permit
from gatewayz.flow.attempt import open_stream, open_whole
from gatewayz.flow.edition import Edition
from gatewayz.flow.lanes import OpenStream, WholeAnswer
from gatewayz.flow.trial import Trial
from gatewayz.flow.values import Choice, Inbound, ParsedCall, Plan
from gatewayz.sdk.errors import (
    NoOfferLeft,
    UnsupportedFeature,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamRateLimited,
)
from gatewayz.sdk.observe import Attempt
from gatewayz.sdk.offers import Offer

__all__ = ["DispatchFailed", "Opened", "dispatch"]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that has begun, the trial that brought it, and the attempts before."""

    trial: Trial
    answer: WholeAnswer | None = None
    stream: OpenStream | None = None
    failed: tuple[Attempt, ...] = ()
    choice: Choice | None = None
    """What a router chose for the call."""


class DispatchFailed(Exception):
    """No offer answered; `error` is what the caller is told."""

    def __init__(self, error: UpstreamError | NoOfferLeft, attempts: tuple[Attempt, ...]) -> None:
        super().__init__(error.message)
        self.error = error
        self.attempts = attempts


async def dispatch(call: ParsedCall, inbound: Inbound, plan: Plan, edition: Edition) -> Opened:
    """Try the plan's offers in order until one answers. Raises DispatchFailed.

    The caller's own fault is tried once; tries after the first come out of the retry budget; when
    every circuit is open the one nearest to recovery gets a last-resort try.
    Source: design 3 "Failover", spec 00 §10.
    """
    edition.retry_budget.record_request()
    errors: list[UpstreamError] = []
    attempts: list[Attempt] = []
    for offer, permit in _permitted(plan, edition):
        if attempts and not _may_go_on(attempts, edition):
            edition.breakers.abandoned(offer.circuit, permit)
            break
        is_repeat = any(attempt.offer.provider == offer.provider for attempt in attempts)
        trial = Trial(edition, inbound.request_id, offer, permit, is_repeat=is_repeat)
        try:
            return await _open(call, inbound, trial, tuple(attempts), edition)
        except UpstreamError as error:
            attempts.append(trial.failed(error))
            errors.append(error)
            error.context.setdefault("provider", offer.provider)
            if not error.retryable:
                break
        except BaseException:  # cancellation too: let go, then raise again
            trial.abandoned()
            raise
    told = _most_telling(errors, edition) if errors else _nothing_tried(call, plan, edition)
    raise DispatchFailed(told, tuple(attempts))


async def _open(
    call: ParsedCall, inbound: Inbound, trial: Trial, failed: tuple[Attempt, ...], edition: Edition
) -> Opened:
    provider = edition.providers[trial.offer.provider]
    if call.head.stream:
        stream = await open_stream(call, inbound, trial.offer, provider, edition)
        trial.content_arrived()
        return Opened(trial=trial, stream=stream, failed=failed, choice=call.choice)
    answer = await open_whole(call, inbound, trial.offer, provider, edition)
    return Opened(trial=trial, answer=answer, failed=failed, choice=call.choice)


def _permitted(plan: Plan, edition: Edition) -> Iterator[tuple[Offer, Permit]]:
    """Yield the offers that breakers let through; if there are none, the last resort."""
    breakers = edition.breakers
    found = False
    for offer in plan.offers:
        if permit := breakers.admit(offer.circuit):
            found = True
            yield offer, permit
    if found:
        return
    resort = breakers.last_resort([offer.circuit for offer in plan.offers])
    if resort is not None:
        circuit, permit = resort
        yield next(offer for offer in plan.offers if offer.circuit == circuit), permit


def _may_go_on(attempts: list[Attempt], edition: Edition) -> bool:
    return len(attempts) < edition.settings.failover.max_attempts and edition.retry_budget.allow()


def _most_telling(errors: list[UpstreamError], edition: Edition) -> UpstreamError:
    """Return the error that tells the caller most: what an offer that could have served said last."""
    telling = [error for error in errors if not isinstance(error, UpstreamModelMissing | UnsupportedFeature)]
    error = (telling or errors)[-1]
    if len(errors) > 1:
        error.context["failed_providers"] = list(dict.fromkeys(str(e.context["provider"]) for e in errors))
        if error.status == 502:
            error.code = "ALL_PROVIDERS_FAILED"
    if error.provider_status is not None:
        error.context["provider_status_code"] = error.provider_status
    if isinstance(error, UpstreamRateLimited) and error.retry_after_s is None:
        error.retry_after_s = edition.settings.breakers.cooldown_s
    return error


def _nothing_tried(call: ParsedCall, plan: Plan, edition: Edition) -> UpstreamError | NoOfferLeft:
    """Return what is said when no offer could even be tried: wait for the first to come back."""
    breakers = edition.breakers
    offers = call.model.offers
    wait = max(1.0, min((breakers.seconds_until_retry(offer.circuit) for offer in offers), default=0.0))
    context = {"failed_providers": list(dict.fromkeys(offer.provider for offer in offers))}
    if offers and all(breakers.is_cooling(offer.circuit) for offer in offers):
        return UpstreamRateLimited(
            "every provider of this model is at its rate limit", retry_after_s=wait, context=context
        )
    return NoOfferLeft(
        f"no provider of this model can be tried now: {plan.reason}", retry_after_s=wait, context=context
    )
