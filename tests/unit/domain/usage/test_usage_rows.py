from typing import Any

import msgspec
import pytest

from gatewayz.domain.usage.usage_rows import usage_row
from gatewayz.sdk.observe import Settlement
from gatewayz.store.records import USAGE_COLUMNS
from tests.fakes.settlements import attempt, charge, settlement


def named(given: Settlement) -> dict[str, Any]:
    return dict(zip(USAGE_COLUMNS, usage_row(1, given), strict=True))


def test_every_column_of_a_paid_call() -> None:
    row = named(settlement(charge=charge(cache_read_tokens=3, reasoning_tokens=4, source="estimated")))
    assert row == {
        "id": 1,
        "request_id": "req_1",
        "user_id": 7,
        "key_id": 9,
        "operation": "openai_chat",
        "requested_model": "gpt-4o-mini",
        "model": "openai/gpt-4o-mini",
        "provider": "openai",
        "upstream_model": "gpt-4o-mini",
        "status": 200,
        "error_code": None,
        "is_stream": True,
        "input_tokens": 100,
        "cache_read_tokens": 3,
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": 0,
        "audio_input_tokens": 0,
        "output_tokens": 50,
        "reasoning_tokens": 4,
        "audio_output_tokens": 0,
        "images": 0,
        "usage_source": "estimated",
        "cost_nano": 45_000,
        "charged_nano": 45_000,
        "attempts": None,
        "duration_ms": 812,
        "first_content_ms": 203,
        "candidates": None,
        "reason": None,
        "rates": None,
        "audio_ms": None,
        "characters": None,
        "cache": None,
        "saved_nano": None,
        "app": None,
        "app_url": None,
    }


def test_an_unpaid_call_has_no_cost_rather_than_none_at_all() -> None:
    tried = (
        attempt("openai", "fault", provider_status=503),
        attempt("openrouter", "rate_limited", provider_status=429),
    )
    row = named(settlement(charge=None, attempts=tried, status=503, error_code="X", first_content_ms=None))
    assert row["cost_nano"] is row["charged_nano"] is row["usage_source"] is row["first_content_ms"] is None
    assert (row["provider"], row["output_tokens"]) == ("openrouter", 0)
    assert row["attempts"] == "openai:fault:503:812;openrouter:rate_limited:429:812"
    nobody = named(settlement(charge=None, attempts=(), user_id=None, key_id=None, status=402))
    assert nobody["attempts"] is nobody["provider"] is nobody["model"] is None


@pytest.mark.parametrize("model", ["x" * 5_000, "a\x00b", "\ud800lone", "ok"])
def test_a_callers_text_is_bounded_and_storable(model: str) -> None:
    kept = named(settlement(requested_model=model))["requested_model"]
    assert len(kept) <= 200
    assert "\x00" not in kept
    kept.encode()


def test_rows_stay_narrow_whatever_happened() -> None:
    given = settlement(
        attempts=tuple(attempt("a-rather-long-provider-name", "fault") for _ in range(50)), duration_ms=1e30
    )
    row = usage_row(2**62, given)
    assert len(msgspec.json.encode(row)) < 900
    assert len(msgspec.json.encode(usage_row(2**62, settlement()))) < 300
