"""Token counts in Gemini's words.

Source: Google, Gemini API reference "UsageMetadata" (2026-11).
"""

from collections.abc import Mapping
from typing import Any

from gatewayz.dialects.counts import as_count, count, decode_counts
from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = ["usage_from_gemini"]


def usage_from_gemini(value: object) -> Usage:
    """Return normalised usage from `usageMetadata` (mapping or JSON bytes); zeros when there is none.

    Cached content is inside `promptTokenCount`; thoughts are outside of `candidatesTokenCount`; the prompt
    of server-side tools comes on top. Never raises.
    """
    raw = decode_counts(value)
    if raw is None:
        return NO_USAGE
    prompt = count(raw, "promptTokenCount") + count(raw, "toolUsePromptTokenCount")
    cached = count(raw, "cachedContentTokenCount", most=prompt)
    fresh_audio = _of_audio(raw, "promptTokensDetails") - _of_audio(raw, "cacheTokensDetails")
    audio_in = min(max(fresh_audio, 0), prompt - cached)
    output = count(raw, "candidatesTokenCount", "responseTokenCount")
    audio_out = min(_of_audio(raw, "candidatesTokensDetails"), output)
    return Usage(
        input_tokens=prompt - cached - audio_in,
        cache_read_tokens=cached,
        audio_input_tokens=audio_in,
        output_tokens=output - audio_out,
        reasoning_tokens=count(raw, "thoughtsTokenCount"),
        audio_output_tokens=audio_out,
        raw=raw,
    )


def _of_audio(raw: Mapping[str, Any], name: str) -> int:
    details = raw.get(name)
    if not isinstance(details, list):
        return 0
    return sum(
        as_count(detail.get("tokenCount"))
        for detail in details
        if isinstance(detail, dict) and detail.get("modality") == "AUDIO"
    )
