from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.anthropic_usage import (
    error_from_anthropic,
    merge_anthropic_usage,
    render_anthropic_usage,
    usage_from_anthropic,
)
from gatewayz.dialects.openai_usage import error_from_openai, render_openai_usage, usage_from_openai
from gatewayz.sdk import errors
from gatewayz.sdk.usage import NO_USAGE, Usage
from tests.fakes.patient_settings import PATIENT

counts = st.integers(0, 10**6)
hostile = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(allow_nan=True, allow_infinity=True),
        st.text(max_size=4),
    ),
    lambda inner: st.lists(inner, max_size=2),
)
NAMES = [
    "prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens", "cached_tokens",
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
]  # fmt: skip
DETAILS = [
    "prompt_tokens_details", "completion_tokens_details", "cache_creation", "output_tokens_details",
]  # fmt: skip
PARTS = [
    "cached_tokens", "audio_tokens", "reasoning_tokens", "cache_write_tokens", "thinking_tokens",
    "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens",
]  # fmt: skip
hostile_usage = st.fixed_dictionaries(
    {},
    optional={
        **{name: hostile for name in NAMES},
        **{name: st.one_of(hostile, st.dictionaries(st.sampled_from(PARTS), hostile)) for name in DETAILS},
    },
)


def parts(usage: Usage) -> list[int]:
    return [value for value in msgspec.structs.asdict(usage).values() if type(value) is int]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}, {"input_tokens": 10, "output_tokens": 4}),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 5, "cache_write_tokens": 10},
                "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 3},
            },
            {
                "input_tokens": 25,
                "cache_read_tokens": 60,
                "cache_write_5m_tokens": 10,
                "audio_input_tokens": 5,
                "output_tokens": 27,
                "reasoning_tokens": 20,
                "audio_output_tokens": 3,
            },
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 5,
                "prompt_cache_hit_tokens": 64,
                "prompt_cache_miss_tokens": 36,
            },
            {"input_tokens": 36, "cache_read_tokens": 64, "output_tokens": 5},
        ),
        (  # xAI: reasoning is outside of completion_tokens
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 115,
                "completion_tokens_details": {"reasoning_tokens": 100},
            },
            {"input_tokens": 10, "output_tokens": 5, "reasoning_tokens": 100},
        ),
        ({"total_tokens": 7}, {"input_tokens": 7}),
        ({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 99}}, {"cache_read_tokens": 10}),
        ({"prompt_tokens": 10.0, "completion_tokens": "7"}, {"input_tokens": 10}),
    ],
)
def test_openai_usage_is_split_into_disjoint_parts(raw: dict[str, Any], expected: dict[str, Any]) -> None:
    assert usage_from_openai(raw) == Usage(**expected, raw=raw)
    assert usage_from_openai(msgspec.json.encode(raw)) == Usage(**expected, raw=raw)
    assert usage_from_openai(msgspec.Raw(msgspec.json.encode(raw))) == Usage(**expected, raw=raw)


@pytest.mark.parametrize("nothing", [None, b"null", b"{}", {}, b"[", 5, b"\xff", {"prompt_tokens": "x"}])
def test_what_reports_nothing_is_not_usage(nothing: object) -> None:
    assert usage_from_openai(nothing) is None


def test_anthropic_counts_the_cache_outside_of_input() -> None:
    raw = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 70,
        "cache_creation": {"ephemeral_5m_input_tokens": 50, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }
    usage = usage_from_anthropic(raw)
    assert usage == Usage(
        input_tokens=10,
        cache_read_tokens=100,
        cache_write_5m_tokens=50,
        cache_write_1h_tokens=20,
        output_tokens=5,
        reasoning_tokens=4,
        raw=raw,
    )
    assert usage.prompt_tokens == 180
    assert render_anthropic_usage(usage) == raw
    assert usage_from_anthropic(None) == NO_USAGE


def test_an_unsplit_cache_write_is_short_lived() -> None:
    assert usage_from_anthropic({"cache_creation_input_tokens": 5}).cache_write_5m_tokens == 5


def test_a_later_report_with_zeros_or_nulls_loses_nothing() -> None:
    start = {"input_tokens": 25, "cache_read_input_tokens": 4, "output_tokens": 1}
    later = {"input_tokens": 0, "cache_read_input_tokens": None, "output_tokens": 15, "new": 1}
    assert merge_anthropic_usage(start, later) == {
        "input_tokens": 25,
        "cache_read_input_tokens": 4,
        "output_tokens": 15,
        "new": 1,
    }


@PATIENT
@given(hostile_usage)
def test_hostile_numbers_never_raise_and_never_go_negative(raw: dict[str, Any]) -> None:
    for usage in (usage_from_openai(raw), usage_from_anthropic(raw)):
        if usage is not None:
            assert all(0 <= part <= 4 * 10**9 for part in parts(usage))


@PATIENT
@given(st.tuples(counts, counts, counts, counts, counts, counts, counts))
def test_openai_round_trip_keeps_every_part(numbers: tuple[int, ...]) -> None:
    usage = Usage(
        input_tokens=numbers[0],
        cache_read_tokens=numbers[1],
        cache_write_5m_tokens=numbers[2],
        audio_input_tokens=numbers[3],
        output_tokens=numbers[4],
        reasoning_tokens=numbers[5],
        audio_output_tokens=numbers[6],
    )
    rendered = render_openai_usage(usage)
    assert rendered["total_tokens"] == rendered["prompt_tokens"] + rendered["completion_tokens"] == usage.total_tokens
    back = usage_from_openai(rendered)
    assert back is not None
    assert msgspec.structs.replace(back, raw=None) == usage


@PATIENT
@given(st.tuples(counts, counts, counts, counts, counts, counts))
def test_anthropic_round_trip_keeps_every_part(numbers: tuple[int, ...]) -> None:
    usage = Usage(
        input_tokens=numbers[0],
        cache_read_tokens=numbers[1],
        cache_write_5m_tokens=numbers[2],
        cache_write_1h_tokens=numbers[3],
        output_tokens=numbers[4],
        reasoning_tokens=numbers[5],
    )
    assert msgspec.structs.replace(usage_from_anthropic(render_anthropic_usage(usage)), raw=None) == usage


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"message": "m", "type": "server_error", "code": None}, errors.UpstreamBroken),
        ({"message": "m", "type": "invalid_request_error", "code": "rate_limit_exceeded"}, errors.UpstreamRateLimited),
        ({"message": "m", "code": 429}, errors.UpstreamRateLimited),
        ({"message": "m", "code": "503"}, errors.UpstreamOverloaded),
        ({"message": "m", "type": "overloaded_error"}, errors.UpstreamOverloaded),
        ({"message": "m", "type": "api_error"}, errors.UpstreamBroken),
        ({"message": "m", "type": "authentication_error"}, errors.UpstreamAuthFailed),
        ({"message": "m", "code": "content_filter"}, errors.ContentFiltered),
        ({"message": "m", "code": 404, "status": "NOT_FOUND"}, errors.UpstreamModelMissing),
        ({"message": "m", "code": "context_length_exceeded"}, errors.UpstreamRejected),
        ("boom", errors.UpstreamBroken),
        ({"message": 5, "type": [], "code": True}, errors.UpstreamBroken),
    ],
)
def test_errors_inside_a_stream_get_their_class(error: object, expected: type[errors.UpstreamError]) -> None:
    body = msgspec.json.encode({"type": "error", "error": error})
    assert type(error_from_openai(body)) is expected
    assert type(error_from_anthropic(body)) is expected


def test_a_refused_credential_does_not_show_the_providers_words() -> None:
    error = error_from_openai(b'{"error":{"message":"Incorrect API key sk-secret","code":"invalid_api_key"}}')
    assert error is not None
    assert "sk-secret" not in str(error)


def test_a_context_overflow_keeps_its_code() -> None:
    error = error_from_openai(b'{"error":{"message":"too long","code":"context_length_exceeded"}}')
    assert error is not None
    assert (error.code, error.message) == ("CONTEXT_LENGTH_EXCEEDED", "too long")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error":null}', b'{"id":1}', b"\xff", b"<html>"])
def test_what_is_no_error_is_none(body: bytes) -> None:
    assert error_from_openai(body) is None
    assert error_from_anthropic(body) is None


_COUNTS = st.one_of(st.integers(-2, 50), st.none(), st.booleans(), st.just(1.5), st.just("3"))
_DETAILS = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens", "audio_tokens"]), _COUNTS, max_size=3),
)


@given(prompt=_COUNTS, completion=_COUNTS, extra=st.integers(0, 1), read=_DETAILS, written=_DETAILS)
def test_the_quick_way_reads_what_the_tolerant_way_reads(
    prompt: object, completion: object, extra: int, read: object, written: object
) -> None:
    total = sum(n for n in (prompt, completion) if type(n) is int) + extra
    raw = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    raw |= {"prompt_tokens_details": read, "completion_tokens_details": written}
    quick = usage_from_openai(dict(raw))
    tolerant = usage_from_openai({**raw, "vendor_extra": 0})  # an unknown member takes the tolerant way
    if quick is None or tolerant is None:
        assert quick is tolerant
    else:
        assert msgspec.structs.replace(quick, raw=None) == msgspec.structs.replace(tolerant, raw=None)
