"""How much time of a core the prompt scorer takes, by length of the prompt.

    python benchmarks/prompt_score.py

Prompts are made of random words, so that none is known from an earlier one; a second column has them again, as in the
turns of a conversation. Times are processor time of one call in milliseconds, so that a busy machine changes little.
"""

import gc
import random
import time
from collections.abc import Sequence
from statistics import quantiles

from gatewayz_plugins.routers.prompt_score import PromptScorer, load_scorer

CHARACTERS = {"50 tokens": 200, "500 tokens": 2_000, "1,100 tokens": 4_500, "250,000 tokens": 1_000_000}
PROMPTS = 300
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


def prompt(characters: int, rng: random.Random) -> str:
    words: list[str] = []
    size = 0
    while size < characters:
        word = "".join(rng.choices(SYLLABLES, k=rng.choice((1, 1, 2, 2, 3, 4))))
        word += rng.choice(("", "", "", "", "", ",", ".\n", "?", " 42", " = x"))
        words.append(word)
        size += len(word) + 1
    return " ".join(words)[:characters]


def times_ms(scorer: PromptScorer, prompts: Sequence[str]) -> list[float]:
    found = []
    for text in prompts:
        started = time.thread_time()
        scorer.score(text)
        found.append((time.thread_time() - started) * 1000.0)
    return found


def figures(times: Sequence[float]) -> str:
    cuts = quantiles(times, n=100)
    return f"{cuts[49]:7.3f} {cuts[94]:7.3f} {max(times):7.3f}"


def main() -> None:
    rng = random.Random(1)
    scorer = load_scorer()
    scorer.score("warm")
    gc.disable()
    print(f"{'length':16} {'p50':>7} {'p95':>7} {'max':>7}   {'again':>7} {'p95':>7} {'max':>7}")
    for name, characters in CHARACTERS.items():
        prompts = [prompt(min(characters, 10_000), rng) for _ in range(PROMPTS)]
        prompts = [text * (characters // len(text)) for text in prompts]
        print(f"{name:16} {figures(times_ms(scorer, prompts))}   {figures(times_ms(scorer, prompts))}")


if __name__ == "__main__":
    main()
