"""Usage and errors in the words of Anthropic's messages format.

Source: https://docs.anthropic.com/en/api/messages and .../errors (read 2026-11).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from gatewayz.dialects.counts import as_count, count, decode_counts, members
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.errors import UpstreamError
from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = ["error_from_anthropic", "merge_anthropic_usage", "render_anthropic_usage", "usage_from_anthropic"]


def usage_from_anthropic(value: object) -> Usage:
    """Return normalised usage from a `usage` object (mapping or JSON bytes); zeros when there is none.

    `input_tokens` excludes what was read from and written to the cache; thinking is inside
    `output_tokens`. Never raises.
    """
    raw = decode_counts(value)
    if raw is None:
        return NO_USAGE
    lifetimes = members(raw, "cache_creation")
    write_1h = count(lifetimes, "ephemeral_1h_input_tokens")
    write_5m = count(lifetimes, "ephemeral_5m_input_tokens")
    write_5m = max(write_5m, count(raw, "cache_creation_input_tokens") - write_1h)
    output = count(raw, "output_tokens")
    thinking = count(members(raw, "output_tokens_details"), "thinking_tokens", most=output)
    return Usage(
        input_tokens=count(raw, "input_tokens"),
        cache_read_tokens=count(raw, "cache_read_input_tokens"),
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        output_tokens=output - thinking,
        reasoning_tokens=thinking,
        raw=raw,
    )


def merge_anthropic_usage(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of a stream after one more report: cumulative, a missing or zero count changes nothing."""
    merged = dict(earlier)
    for name, value in later.items():
        if isinstance(value, dict) or as_count(value) or name not in merged:
            merged[name] = value
    return merged


def render_anthropic_usage(usage: Usage) -> dict[str, Any]:
    """Return the `usage` object of an answer; audio counts as plain input and output."""
    rendered: dict[str, Any] = {
        "input_tokens": usage.input_tokens + usage.audio_input_tokens,
        "cache_creation_input_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "output_tokens": usage.completion_tokens,
    }
    if usage.cache_write_1h_tokens or usage.cache_write_5m_tokens:
        rendered["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        }
    if usage.reasoning_tokens:
        rendered["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return rendered


def error_from_anthropic(body: bytes) -> UpstreamError | None:
    """Return the error that an answer or an `error` event tells of; None when it tells of none."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(decoded, dict) or not decoded.get("error"):
        return None
    return error_from_object(decoded["error"])
