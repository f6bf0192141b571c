"""How many tokens a text has: a division for the hot path, a tokenizer where it matters.

Counts are estimates: money follows the provider's own usage wherever there is one.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Any, Final

__all__ = ["count_tokens", "estimate_tokens", "load_tokenizer"]

CHARACTERS_PER_TOKEN: Final = 4
"""Of English text; Chinese has about one token for each character. Source: spec 00 §6.4."""

_NEWEST: Final = "o200k_base"
_OLDER: Final = "cl100k_base"
_OLDER_MODELS: Final = ("openai/gpt-4-", "openai/gpt-3.5", "openai/text-embedding-")
"""OpenAI's models before GPT-4o. Everyone else's are counted with the newest vocabulary, a few per cent off."""


def estimate_tokens(characters: int) -> int:
    """Return the likely number of tokens of a text of this length."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def count_tokens(texts: Sequence[str], model: str) -> int:
    """Return the number of tokens of all texts together, for a canonical model id.

    Text that looks like a special token counts as the text it is. The first call loads a vocabulary
    (0.3 s, 30 MB): call it in a thread, or `load_tokenizer` there before. Later ones take about a
    microsecond for each 400 characters.
    """
    is_older = model == "openai/gpt-4" or model.startswith(_OLDER_MODELS)
    return sum(_batch_count(texts, _OLDER if is_older else _NEWEST))


def load_tokenizer() -> None:
    """Load the newest vocabulary, so that the next count is quick; for a thread at start-up."""
    _batch_count([], _NEWEST)


def _batch_count(texts: Sequence[str], encoding: str) -> list[int]:
    """Count with one thread: the others serve requests."""
    # Imported at the first count: the tokenizer costs 60 MB, and most processes live on provider usage alone.
    batch_count: Callable[..., Any] = importlib.import_module("toktok").batch_count
    try:
        counts: list[int] = batch_count(texts, encoding, threads=1)
    except UnicodeEncodeError:
        # Models do emit halves of surrogate pairs, and JSON can carry them; UTF-8 cannot.
        whole = [text.encode("utf-8", "replace").decode() for text in texts]
        counts = batch_count(whole, encoding, threads=1)
    return counts
