"""Names of models that stand for a choice among models."""
