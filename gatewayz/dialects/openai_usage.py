"""Usage and errors in the words of OpenAI's formats, chat completions and completions alike.

Source: https://platform.openai.com/docs/api-reference/chat/object (read 2026-11), and where compatible
providers differ: DeepSeek `prompt_cache_hit_tokens`, OpenRouter `cache_write_tokens`, xAI's reasoning
tokens outside of `completion_tokens`.
"""

from typing import Any, Final

import msgspec

from gatewayz.dialects.counts import MAX_COUNT, count, decode_counts, has_any, members
from gatewayz.dialects.upstream_errors import error_from_object
from gatewayz.sdk.errors import UpstreamError
from gatewayz.sdk.usage import Usage

__all__ = ["error_from_openai", "render_openai_usage", "usage_from_openai"]

_PLAIN_MEMBERS: Final = frozenset(
    ("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details")
)


def usage_from_openai(value: object) -> Usage | None:
    """Return normalised usage from a `usage` object (mapping or JSON bytes); None when it reports nothing.

    Cached, written and audio tokens are inside `prompt_tokens`, reasoning and audio tokens inside
    `completion_tokens`; parts never exceed their total. Never raises.
    """
    raw = decode_counts(value)
    if raw is None:
        return None
    usage = _plain_usage(raw)
    if usage is not None:
        return usage
    if not has_any(raw, "prompt_tokens", "completion_tokens", "total_tokens"):
        return None
    prompt, completion = count(raw, "prompt_tokens"), count(raw, "completion_tokens")
    total = count(raw, "total_tokens")
    read, written = members(raw, "prompt_tokens_details"), members(raw, "completion_tokens_details")
    reasoning = count(written, "reasoning_tokens")
    if reasoning and total == prompt + completion + reasoning:
        completion += reasoning
    if not prompt:
        prompt = max(0, total - completion)
    cached = count(read, "cached_tokens", most=prompt) or count(
        raw, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens", most=prompt
    )
    left = prompt - cached
    cache_write = count(read, "cache_write_tokens", "cache_creation_tokens", most=left) or count(
        raw, "cache_creation_input_tokens", most=left
    )
    left -= cache_write
    audio_in = count(read, "audio_tokens", most=left)
    reasoning = min(reasoning, completion)
    audio_out = count(written, "audio_tokens", most=completion - reasoning)
    return Usage(
        input_tokens=left - audio_in,
        cache_read_tokens=cached,
        cache_write_5m_tokens=cache_write,
        audio_input_tokens=audio_in,
        output_tokens=completion - reasoning - audio_out,
        reasoning_tokens=reasoning,
        audio_output_tokens=audio_out,
        raw=raw,
    )


def _plain_usage(raw: dict[str, Any]) -> Usage | None:
    """Return the usage of the usual answer: counts that add up, at most cached and reasoning tokens set apart.

    None leaves the reading to the tolerant way, which is four times as slow and gives the same for these.
    """
    prompt, completion, total = raw.get("prompt_tokens"), raw.get("completion_tokens"), raw.get("total_tokens")
    if not (type(prompt) is type(completion) is type(total) is int and raw.keys() <= _PLAIN_MEMBERS):
        return None
    if not (0 < prompt <= total <= MAX_COUNT and prompt + completion == total):
        return None
    cached = _single(raw.get("prompt_tokens_details"), "cached_tokens", prompt)
    reasoning = _single(raw.get("completion_tokens_details"), "reasoning_tokens", completion)
    if cached is None or reasoning is None:
        return None
    return Usage(
        input_tokens=prompt - cached,
        cache_read_tokens=cached,
        output_tokens=completion - reasoning,
        reasoning_tokens=reasoning,
        raw=raw,
    )


def _single(details: object, name: str, most: int) -> int | None:
    """Return the one count above zero of a details object when it is `name`, 0 without any, None for all else."""
    if details is None:
        return 0
    if type(details) is not dict:
        return None
    found = 0
    for member, value in details.items():
        if value:
            if member != name or type(value) is not int or not 0 < value <= most:
                return None
            found = value
    return found


def render_openai_usage(usage: Usage) -> dict[str, Any]:
    """Return the `usage` object of an answer."""
    read = {"cached_tokens": usage.cache_read_tokens, "audio_tokens": usage.audio_input_tokens}
    if written := usage.cache_write_5m_tokens + usage.cache_write_1h_tokens:
        read["cache_write_tokens"] = written
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": read,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
        },
    }


def error_from_openai(body: bytes) -> UpstreamError | None:
    """Return the error that an answer or a stream event tells of, `{"error": ...}`; None when it tells of none."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(decoded, dict) or not decoded.get("error"):
        return None
    return error_from_object(decoded["error"])
