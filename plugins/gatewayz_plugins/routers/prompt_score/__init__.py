"""Scores a prompt: how much it needs a strong model, what it is about, how long its answer will be.

A library for the routers, no plugin: no `plugin.yaml`, no hook. docs/routing/model-card.md says how good it is.
"""

from gatewayz_plugins.routers.prompt_score.scorer import DOMAINS, PromptScore, PromptScorer, load_scorer

__all__ = ["DOMAINS", "PromptScore", "PromptScorer", "load_scorer"]
