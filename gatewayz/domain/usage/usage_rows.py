"""From a settlement to the narrow row that is kept of it."""

from typing import Final

from gatewayz.domain.usage.receipt_texts import candidates_text, rates_text
from gatewayz.sdk.observe import Attempt, Settlement
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.usage import NO_USAGE
from gatewayz.store.records import UsageRow

__all__ = ["usage_row"]

MODEL_CHARACTERS: Final = 200
ATTEMPTS_CHARACTERS: Final = 400
REASON_CHARACTERS: Final = 200
MILLISECONDS_LIMIT: Final = 2**31 - 1


def usage_row(row_id: int, settlement: Settlement) -> UsageRow:
    """Return the row, in the order of `gatewayz.store.records.USAGE_COLUMNS`."""
    charge = settlement.charge
    attempts = settlement.attempts
    offer = _offer(settlement)
    usage = NO_USAGE if charge is None else charge.usage
    first_content_ms = settlement.first_content_ms
    return (
        row_id,
        settlement.request_id,
        settlement.user_id,
        settlement.key_id,
        settlement.operation,
        _text(settlement.requested_model),
        None if offer is None else offer.model,
        None if offer is None else offer.provider,
        None if offer is None else offer.upstream_model,
        settlement.status,
        settlement.error_code,
        settlement.stream,
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.audio_input_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.audio_output_tokens,
        usage.images,
        None if charge is None else usage.source,
        None if charge is None else charge.cost.total,
        None if charge is None else charge.charged,
        None if len(attempts) == 1 and attempts[0].outcome == "success" else _attempts(attempts),
        min(int(settlement.duration_ms), MILLISECONDS_LIMIT),
        None if first_content_ms is None else min(int(first_content_ms), MILLISECONDS_LIMIT),
        candidates_text(settlement),
        settlement.reason[:REASON_CHARACTERS] or None,
        None if charge is None else rates_text(charge),
        usage.audio_ms or None,
        usage.characters or None,
        settlement.cache,
        settlement.saved if settlement.cache == "hit" else None,
        None if settlement.app is None else settlement.app.name,
        None if settlement.app is None else settlement.app.url,
    )


def _offer(settlement: Settlement) -> Offer | None:
    """Return the offer that was paid for, or the last one that was tried."""
    if settlement.charge is not None:
        return settlement.charge.offer
    return settlement.attempts[-1].offer if settlement.attempts else None


def _attempts(attempts: tuple[Attempt, ...]) -> str | None:
    """Return `provider:outcome:status:milliseconds` of each, joined; None for no attempt."""
    if not attempts:
        return None
    parts = (f"{a.offer.provider}:{a.outcome}:{a.provider_status or ''}:{int(a.duration_ms)}" for a in attempts)
    return ";".join(parts)[:ATTEMPTS_CHARACTERS]


def _text(value: str) -> str:
    """Return a caller's text as every database takes it: bounded, without NUL or lone surrogates."""
    value = value[:MODEL_CHARACTERS]
    if value.isascii():
        return value.replace("\0", "")
    return value.encode("utf-8", "replace").decode().replace("\0", "")
