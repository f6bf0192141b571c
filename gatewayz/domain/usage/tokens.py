"""How many tokens a text has: a division for the hot path, a tokenizer where it matters.

Counts are estimates: money follows the provider's own usage wherever there is one.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Final

__all__ = ["count_tokens", "encoding_of", "estimate_tokens"]

CHARACTERS_PER_TOKEN: Final = 4
"""Of English text; Chinese has about one token for each character. Source: spec 00 §6.4."""

_NEWEST: Final = "o200k_base"
_OLDER: Final = "cl100k_base"
_OLDER_MODELS: Final = ("openai/gpt-4-", "openai/gpt-3.5", "openai/text-embedding-")
"""OpenAI's models before GPT-4o. Everyone else's are counted with the newest vocabulary, a few per cent off."""


def estimate_tokens(characters: int) -> int:
    """Return the likely number of tokens of a text of this length."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def encoding_of(model: str) -> str:
    """Return the vocabulary that fits a canonical model id best."""
    is_older = model == "openai/gpt-4" or model.startswith(_OLDER_MODELS)
    return _OLDER if is_older else _NEWEST


def count_tokens(texts: Sequence[str], encoding: str) -> int:
    """Return the number of tokens of all texts together.

    Text that looks like a special token counts as the text it is. The first call for a vocabulary
    loads it (0.4 s with the interpreter's lock held, 60 MB), so a gateway counts in a process of its
    own: `token_counter`. Later calls take about a microsecond for each 400 characters.
    """
    batch_count: Callable[..., Any] = importlib.import_module("toktok").batch_count
    counts: list[int] = batch_count(texts, encoding, threads=1)
    return sum(counts)
