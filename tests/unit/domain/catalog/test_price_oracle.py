"""An independent opinion on the shipped prices: genai-prices, where it knows the model at that provider.

Offers whose price was taken from genai-prices are no test of it and are passed over.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from gatewayz.sdk.usage import Usage
from tests.fakes.catalog import shipped_snapshot

oracle = pytest.importorskip("genai_prices", exc_type=ImportError)

EXCEPTIONS = Path(__file__).with_name("price_exceptions.yaml")
NAMES = {
    "google-vertex": "google", "google-ai-studio": "google", "bedrock": "aws", "xai": "x-ai",
    "cloudflare-workers-ai": "cloudflare", "moonshot": "moonshotai",
}  # fmt: skip
SAME_NAMES = """openai anthropic groq together fireworks cerebras novita zai cohere mistral deepseek perplexity ovhcloud
    baseten minimax"""
TOLERANCE = 0.01
PEAK = datetime(2026, 11, 24, 8, tzinfo=UTC)
"""DeepSeek is cheaper outside its peak hours; the catalog has the price of those."""


def test_genai_prices_agrees_within_one_per_cent_but_for_listed_exceptions() -> None:
    reasons: dict[str, dict[str, str]] = yaml.safe_load(EXCEPTIONS.read_text())
    expected = {(provider, native) for provider, natives in reasons.items() for native in natives}
    compared, differing = 0, {}
    for provider, name in {**{each: each for each in SAME_NAMES.split()}, **NAMES}.items():
        for offer in shipped_snapshot().offers_of([provider])[provider]:
            if offer.price.source.startswith("genai-prices"):
                continue
            asked = oracle.Usage(input_tokens=10_000, output_tokens=1_000)
            try:
                theirs = float(
                    oracle.calc_price(asked, offer.id, provider_id=name, genai_request_timestamp=PEAK).total_price
                )
            except LookupError:
                continue
            compared += 1
            ours = offer.price.cost(Usage(input_tokens=10_000, output_tokens=1_000)).total / 1e9
            if abs(ours - theirs) > TOLERANCE * theirs:
                differing[provider, offer.id] = (ours, theirs)
    assert compared > 400
    assert {pair: costs for pair, costs in differing.items() if pair not in expected} == {}
    assert expected - differing.keys() == set(), "these agree now: take them off the list"


def test_every_exception_says_why() -> None:
    for provider, natives in yaml.safe_load(EXCEPTIONS.read_text()).items():
        for native, reason in natives.items():
            assert len(reason) > 20, (provider, native)
