"""A usage row, read as a receipt."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gatewayz.areas.generations.schema import Attempted, Considered, Fate, Generation, LedgerIds
from gatewayz.domain.usage.receipt_texts import Candidate, read_candidates, read_rates
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.sdk.money import Nano, usd_float
from gatewayz.store.ledger_records import LedgerStore
from gatewayz.store.moment_id import moment_of
from gatewayz.store.ports import ReceiptStore

__all__ = ["Receipts"]

_LEFT: Final = 499
"""Status of calls whose caller left first."""
_PROMPT: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
)
_COMPLETION: Final = ("output_tokens", "reasoning_tokens", "audio_output_tokens")


class Receipts:
    """Looks receipts up."""

    def __init__(self, usage: ReceiptStore, ledger: LedgerStore) -> None:
        self._usage = usage
        self._ledger = ledger

    async def show(self, user_id: int, request_id: str) -> Generation:
        """Return the receipt of a user's call. Raises ResourceNotFound, also for another one's call."""
        row = await self._usage.find_usage(user_id, request_id)
        if row is None:
            raise ResourceNotFound("There is no call with this id, or it is not yours.", param="id")
        hold = await self._ledger.find_hold(f"{user_id}:{request_id}")
        entry = None if hold is None or hold.settle_entry_id is None else str(hold.settle_entry_id)
        return _generation(row, None if hold is None else LedgerIds(hold=str(hold.id), entry=entry))


def _generation(row: Mapping[str, Any], ledger: LedgerIds | None) -> Generation:
    prompt, completion = (sum(row[name] for name in names) for names in (_PROMPT, _COMPLETION))
    attempts = _attempts(row)
    charged = usd_float(Nano(row["charged_nano"] or 0))
    return Generation(
        id=row["request_id"],
        model=row["model"] or row["requested_model"],
        provider_name=row["provider"],
        created_at=moment_of(row["id"]),
        streamed=row["is_stream"],
        cancelled=row["status"] == _LEFT,
        total_cost=charged,
        usage=charged,
        tokens_prompt=prompt,
        tokens_completion=completion,
        native_tokens_prompt=prompt,
        native_tokens_completion=completion,
        native_tokens_reasoning=row["reasoning_tokens"],
        native_tokens_cached=row["cache_read_tokens"],
        num_media_completion=row["images"],
        audio_ms=row["audio_ms"],
        characters=row["characters"],
        generation_time=row["duration_ms"],
        latency=row["first_content_ms"],
        requested_model=row["requested_model"],
        upstream_model=row["upstream_model"],
        api_type=row["operation"],
        status=row["status"],
        error_code=row["error_code"],
        provider_cost=None if row["cost_nano"] is None else usd_float(Nano(row["cost_nano"])),
        rates=read_rates(row["rates"]),
        usage_source=row["usage_source"],
        reason=row["reason"],
        candidates=_candidates(row, attempts),
        attempts=attempts,
        cache=row["cache"],
        saved=None if row["saved_nano"] is None else usd_float(Nano(row["saved_nano"])),
        ledger=ledger,
    )


def _attempts(row: Mapping[str, Any]) -> list[Attempted]:
    """Return the attempts; a row says nothing of a single good one but who it was."""
    if row["attempts"] is None:
        if row["provider"] is None or row["cache"] == "hit":
            return []
        duration = row["duration_ms"]
        return [Attempted(provider=row["provider"], outcome="success", status=None, duration_ms=duration)]
    found = []
    for each in row["attempts"].split(";"):
        parts = each.split(":")
        if len(parts) == 4:  # the last one may be cut off
            provider, outcome, status, duration = parts
            said = int(status) if status else None
            found.append(Attempted(provider=provider, outcome=outcome, status=said, duration_ms=int(duration)))
    return found


def _candidates(row: Mapping[str, Any], attempts: Sequence[Attempted]) -> list[Considered]:
    """Return the offers and what became of each: those before the last one tried had their turn."""
    model = row["model"] or row["requested_model"]
    written = read_candidates(row["candidates"])
    if not written:
        return [Considered(provider=each.provider, model=model, fate="tried") for each in attempts]
    tried = [each.provider for each in attempts]
    turns = [index for index, each in enumerate(written) if each.provider in tried and not each.is_passed_over]
    last = max(turns, default=len(written))
    return [
        Considered(provider=each.provider, model=each.model or model, fate=_fate(each, index, turns, last))
        for index, each in enumerate(written)
    ]


def _fate(candidate: Candidate, index: int, turns: Sequence[int], last: int) -> Fate:
    if candidate.is_passed_over:
        return "passed_over"
    if index in turns:
        return "tried"
    return "refused" if index < last else "not_tried"
