"""What was known before training: weights set by hand, which the data then moves.

Learned weights alone are worse than length on tasks they have not seen (docs/routing/model-card.md), so training starts
from these and is held near them. Sizes are in units of raw need, about one standard deviation of which is 1.
"""

from typing import Final

__all__ = ["FALLS_SHORT", "NEED_CHOICES", "NEED_DOMAINS", "NEED_OPEN"]

NEED_CHOICES: Final = {
    "letters": 0.5, "sentences": 0.3, "numbers": 0.3, "words_quantity": 0.2, "words_law": 0.25, "words_logic": 0.1,
    "phrase_moral_case": 0.6, "commas": 0.2, "phrase_of_following": 0.3, "words_constraint": 0.15,
}  # fmt: skip
"""Questions with choices. Long cases are harder than recall; law and moral judgement are hard for small models."""
NEED_OPEN: Final = {
    "letters": 0.45, "sentences": 0.3, "numbers": 0.35, "words_quantity": 0.25, "phrase_more_than": 0.15,
    "percent": 0.2,
    "words_constraint": 0.15, "words_plan": 0.15, "words_extract": 0.3, "words_solve": 0.2, "words_logic": 0.1,
    "words_code": 0.15, "words_explain": -0.2, "words_role": -0.25, "words_write": -0.25, "words_recall": -0.1,
}  # fmt: skip
"""All other prompts. Each quantity is one more step; extraction has many ways to be wrong, free writing few."""
NEED_DOMAINS: Final = {
    "code": 2.0, "math": 2.2, "reasoning": 1.8, "knowledge": 0.0, "writing": -0.8, "chat": -1.0,
}  # fmt: skip
"""Open prompts, by domain. Small models trail furthest in reasoning, mathematics and code, least in writing and general
explanations: so it is known of MT-Bench's categories (arXiv 2306.05685), and so are the mean gains in `chat_judged`
(0.39 code, 0.41 mathematics, 0.25 explanations, 0.23 writing, 0.20 roles; prompts sorted by the word lists)."""
FALLS_SHORT: Final = {
    "code": 0.5, "math": 0.55, "reasoning": 0.5, "knowledge": 0.2, "writing": 0.2, "chat": 0.05,
}  # fmt: skip
"""How often a small model is taken to fall short on the prompts written by hand, by domain. The data has no small talk
and no plain requests: without these, need would be calibrated on exams alone."""
