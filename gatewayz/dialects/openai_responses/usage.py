"""Token counts in the words of the Responses API.

Source: OpenAI API reference, "The response object", `usage` (2026-11).
"""

from typing import Any

from gatewayz.dialects.counts import count, decode_counts, members
from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = ["render_usage", "usage_from_responses"]


def usage_from_responses(value: object) -> Usage:
    """Return normalised usage from a `usage` object (mapping or JSON bytes); zeros when there is none.

    Cached tokens are inside `input_tokens`, reasoning inside `output_tokens`. Never raises.
    """
    raw = decode_counts(value)
    if raw is None:
        return NO_USAGE
    details_in, details_out = members(raw, "input_tokens_details"), members(raw, "output_tokens_details")
    prompt, completion = count(raw, "input_tokens"), count(raw, "output_tokens")
    cached = count(details_in, "cached_tokens", most=prompt)
    written = count(details_in, "cache_write_tokens", most=prompt - cached)
    reasoning = count(details_out, "reasoning_tokens", most=completion)
    return Usage(
        input_tokens=prompt - cached - written,
        cache_read_tokens=cached,
        cache_write_5m_tokens=written,
        output_tokens=completion - reasoning,
        reasoning_tokens=reasoning,
        raw=raw,
    )


def render_usage(usage: Usage) -> dict[str, Any]:
    """Return the `usage` member of a response."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_5m_tokens + usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
