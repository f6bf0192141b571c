"""The parts of a usage row that only receipts read: short texts, written and read here.

`candidates`: offers in the order to try, then, after a `-`, those that the router passed over; each
is `provider`, or `provider|model` when its model is not the one that was asked for. `rates`: what each
kind of the usage cost, `kind:nano-dollars per million tokens` (per call, per image, per second
of sound, per million characters).
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from gatewayz.sdk.interfaces import Charge
from gatewayz.sdk.observe import Settlement
from gatewayz.sdk.offers import Offer, Price, PriceTier
from gatewayz.sdk.usage import Usage

__all__ = ["Candidate", "candidates_text", "rates_text", "read_candidates", "read_rates"]

_CHARACTERS: Final = {"candidates": 400, "rates": 200}


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An offer that could have answered."""

    provider: str
    model: str | None
    """None where it is the model of the row."""
    is_passed_over: bool = False


def candidates_text(settlement: Settlement) -> str | None:
    """Return the candidates of a request, as many as there is room for; None for a single offer that was tried."""
    chosen, tried = settlement.candidates, len(settlement.attempts)
    left = [offer for offer in settlement.offers if offer not in chosen] if len(settlement.offers) > len(chosen) else []
    if len(chosen) <= 1 and not left and tried:
        return None
    names = [_named(offer, settlement.model) for offer in chosen]
    names += ["-" + _named(offer, settlement.model) for offer in left]
    return _joined(names, _CHARACTERS["candidates"])


def read_candidates(text: str | None) -> Sequence[Candidate]:
    """Return what `candidates_text` wrote."""
    found = []
    for name in (text or "").split(";") if text else ():
        provider, _, model = name.removeprefix("-").partition("|")
        found.append(Candidate(provider=provider, model=model or None, is_passed_over=name.startswith("-")))
    return found


def rates_text(charge: Charge) -> str | None:
    """Return the rates that were applied to a charge; None for an offer without a price."""
    price, usage = charge.offer.price, charge.usage
    if price is None:
        return None
    if not price.tiers and not price.request and usage.is_plain:  # nearly every call
        return f"input:{price.input};output:{price.output}"
    rates = _applied(price, usage)
    return _joined([f"{kind}:{rate}" for kind, rate in rates], _CHARACTERS["rates"])


def read_rates(text: str | None) -> dict[str, int]:
    """Return what `rates_text` wrote."""
    pairs = (pair.partition(":") for pair in (text or "").split(";") if pair)
    return {kind: int(rate) for kind, _, rate in pairs}


def _applied(price: Price, usage: Usage) -> Iterable[tuple[str, int]]:
    rates: Price | PriceTier = price
    for tier in price.tiers:
        if usage.prompt_tokens > tier.above_tokens:
            rates = tier
    yield "input", rates.input
    yield "output", rates.output
    parts = (
        ("cache_read", usage.cache_read_tokens, rates.cache_read),
        ("cache_write_5m", usage.cache_write_5m_tokens, rates.cache_write_5m),
        ("cache_write_1h", usage.cache_write_1h_tokens, rates.cache_write_1h),
        ("audio_input", usage.audio_input_tokens, price.audio_input),
        ("reasoning", usage.reasoning_tokens, price.reasoning),
        ("audio_output", usage.audio_output_tokens, price.audio_output),
        *_media(price, usage),
        ("request", 1, price.request or None),
    )
    for kind, count, rate in parts:
        if count and rate is not None:
            yield kind, rate


def _media(price: Price, usage: Usage) -> Iterable[tuple[str, int, int | None]]:
    if usage.total_tokens and (price.input or price.output):
        return  # counted in tokens
    yield "image", usage.images, price.image_rate(usage)
    yield "second", usage.audio_ms, price.second
    yield "character", usage.characters, price.character


def _named(offer: Offer, model: str) -> str:
    return offer.provider if offer.model == model else f"{offer.provider}|{offer.model}"


def _joined(names: Sequence[str], most: int) -> str:
    """Return as many names as there is room for."""
    text = ""
    for name in names:
        longer = f"{text};{name}" if text else name
        if len(longer) > most:
            break
        text = longer
    return text
