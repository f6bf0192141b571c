"""How much time of a core the prompt scorer takes, by length of the prompt.

    python benchmarks/prompt_score.py

Prompts are made of made-up words, drawn as often as words are in English (Zipf's law over 30,000). `warm`: a process
that has scored other prompts, as a gateway has. `cold`: every word is met for the first time. Times are processor time
of one call in milliseconds, so that a busy machine changes little.
"""

import gc
import random
import time
from collections.abc import Sequence
from itertools import accumulate
from statistics import quantiles

from gatewayz_plugins.routers.prompt_score import PromptScorer, load_scorer
from gatewayz_plugins.routers.prompt_score.ngrams import bucket_of
from gatewayz_plugins.routers.prompt_score.tokens import token_of

CHARACTERS = {"50 tokens": 200, "500 tokens": 2_000, "1,100 tokens": 4_500, "250,000 tokens": 1_000_000}
PROMPTS = 300
VOCABULARY = 30_000
MADE = 10_000
SYLLABLES = (
    "ba",
    "con",
    "de",
    "er",
    "fi",
    "gra",
    "in",
    "ka",
    "lo",
    "mi",
    "ni",
    "on",
    "pro",
    "re",
    "so",
    "ta",
    "un",
    "ver",
)
ENDS = ("", "", "", "", "", "", ",", ".\n", "?", " 42", " = x")


def vocabulary(rng: random.Random) -> list[str]:
    return ["".join(rng.choices(SYLLABLES, k=1 + rank.bit_length() // 5)) for rank in range(VOCABULARY)]


def prompts(characters: int, words: Sequence[str], rng: random.Random) -> list[str]:
    likely = list(accumulate(1 / (rank + 1) for rank in range(len(words))))
    made = min(characters, MADE)
    found = []
    for _ in range(PROMPTS):
        chosen = rng.choices(words, cum_weights=likely, k=made // 3)
        text = " ".join(f"{word}{rng.choice(ENDS)}" for word in chosen)[:made]
        found.append(text * (characters // made))
    return found


def times_ms(scorer: PromptScorer, texts: Sequence[str], *, cold: bool) -> list[float]:
    found = []
    for text in texts:
        if cold:
            token_of.cache_clear()
            bucket_of.cache_clear()
        started = time.thread_time()
        scorer.score(text)
        found.append((time.thread_time() - started) * 1000.0)
    return found


def figures(times: Sequence[float]) -> str:
    cuts = quantiles(times, n=100)
    return f"{cuts[49]:7.3f} {cuts[94]:7.3f} {max(times):7.3f}"


def main() -> None:
    rng = random.Random(1)
    words = vocabulary(rng)
    scorer = load_scorer()
    gc.disable()
    print(f"{'length':16} {'warm p50':>8} {'p95':>6} {'max':>7}   {'cold p50':>8} {'p95':>6} {'max':>7}")
    for name, characters in CHARACTERS.items():
        times_ms(scorer, prompts(characters, words, rng), cold=False)
        texts = prompts(characters, words, rng)
        warm, cold = (figures(times_ms(scorer, texts, cold=cold)) for cold in (False, True))
        print(f"{name:16} {warm}   {cold}")


if __name__ == "__main__":
    main()
