"""Breaker states and resets for operators. Source: spec 05 §2."""
