"""Token counts in the words of Converse.

Source: AWS, Bedrock API reference "TokenUsage", "CacheDetail"; user guide "Prompt caching" (2026-11).
"""

from collections.abc import Mapping
from typing import Any

from gatewayz.dialects.counts import as_count, count, decode_counts
from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = ["usage_from_converse"]


def usage_from_converse(value: object) -> Usage:
    """Return normalised usage (mapping or JSON bytes); zeros when there is none.

    What was read from and written to the cache is outside of `inputTokens`, unless the total says that
    it is inside. Never raises.
    """
    raw = decode_counts(value)
    if raw is None:
        return NO_USAGE
    prompt, output, total = (count(raw, name) for name in ("inputTokens", "outputTokens", "totalTokens"))
    read = count(raw, "cacheReadInputTokens", "cacheReadInputTokenCount")
    write_1h = _written_for_1h(raw)
    write_5m = max(0, count(raw, "cacheWriteInputTokens", "cacheWriteInputTokenCount") - write_1h)
    cached = read + write_5m + write_1h
    if cached and total == prompt + output and cached <= prompt:
        prompt -= cached
    return Usage(
        input_tokens=prompt,
        cache_read_tokens=read,
        cache_write_5m_tokens=write_5m,
        cache_write_1h_tokens=write_1h,
        output_tokens=output,
        raw=raw,
    )


def _written_for_1h(raw: Mapping[str, Any]) -> int:
    details = raw.get("cacheDetails")
    if not isinstance(details, list):
        return 0
    return sum(
        as_count(detail.get("inputTokens"))
        for detail in details
        if isinstance(detail, dict) and detail.get("ttl") == "1h"
    )
