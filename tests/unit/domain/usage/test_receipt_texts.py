from typing import Any

import msgspec

from gatewayz.domain.usage.receipt_texts import Candidate, candidates_text, rates_text, read_candidates, read_rates
from gatewayz.domain.usage.usage_rows import usage_row
from gatewayz.sdk.offers import Offer, Price, PriceTier
from gatewayz.store.records import USAGE_COLUMNS
from tests.fakes.settlements import OFFER, attempt, charge, settlement

MODEL = OFFER.model


def offer(provider: str, model: str = MODEL) -> Offer:
    return Offer(model=model, provider=provider, upstream_model="m")


def test_one_offer_that_was_tried_needs_no_words() -> None:
    one = (offer("openai"),)
    assert candidates_text(settlement(model=MODEL, offers=one, candidates=one)) is None
    assert read_candidates(None) == []
    refused = settlement(model=MODEL, offers=one, candidates=one, attempts=(), charge=None)
    assert read_candidates(candidates_text(refused)) == [Candidate(provider="openai", model=None)]


def test_candidates_in_order_then_those_passed_over() -> None:
    a, b, c, d = offer("a"), offer("b", "vendor/other"), offer("c"), offer("d")
    text = candidates_text(settlement(model=MODEL, offers=(d, a, b, c), candidates=(b, a)))
    assert text == "b|vendor/other;a;-d;-c"
    assert read_candidates(text) == [
        Candidate(provider="b", model="vendor/other"),
        Candidate(provider="a", model=None),
        Candidate(provider="d", model=None, is_passed_over=True),
        Candidate(provider="c", model=None, is_passed_over=True),
    ]


def test_only_whole_names_are_written() -> None:
    many = tuple(offer(f"provider-{number:03}", f"vendor/model-{number}") for number in range(60))
    text = candidates_text(settlement(model=MODEL, offers=many, candidates=many))
    assert text is not None and 350 < len(text) <= 400
    found = read_candidates(text)
    assert [each.provider for each in found] == [each.provider for each in many[: len(found)]]
    assert found[-1].model == f"vendor/model-{len(found) - 1}"


def paid(price: Price, **usage: Any) -> str | None:
    return rates_text(msgspec.structs.replace(charge(**usage), offer=msgspec.structs.replace(OFFER, price=price)))


def test_the_rates_that_were_applied() -> None:
    assert rates_text(charge()) is None
    price = Price(
        input=150,
        output=600,
        cache_read=75,
        reasoning=900,
        request=5,
        tiers=(PriceTier(above_tokens=1000, input=300, output=1200),),
    )
    assert read_rates(paid(price)) == {"input": 150, "output": 600, "request": 5}
    assert read_rates(paid(price, cache_read_tokens=4, reasoning_tokens=2)) == {
        "input": 150,
        "output": 600,
        "cache_read": 75,
        "reasoning": 900,
        "request": 5,
    }
    assert read_rates(paid(price, input_tokens=1001))["input"] == 300
    assert read_rates(None) == {}


def test_a_usual_row_is_narrow() -> None:
    offers = tuple(offer(name) for name in ("openai", "openrouter", "azure"))
    bill = msgspec.structs.replace(
        charge(), offer=msgspec.structs.replace(OFFER, price=Price(input=15 * 10**7, output=6 * 10**8))
    )
    told = settlement(
        request_id="req_" + "0" * 32,
        model=MODEL,
        offers=offers,
        candidates=offers,
        reason="2 ready in catalog order; azure: its circuit is open",
        charge=bill,
        attempts=(attempt("openai", "fault", provider_status=503), attempt("openrouter")),
    )
    row = usage_row(1 << 62, told)
    size = sum(_bytes(value) for value in row)
    assert len(row) == len(USAGE_COLUMNS)
    assert size < 450


def _bytes(value: object) -> int:
    """Return what SQLite needs for a value, at most."""
    if value is None or isinstance(value, bool):
        return 1
    return len(value) + 2 if isinstance(value, str) else 9
