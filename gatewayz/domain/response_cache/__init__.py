"""Answers that are given again to the same question of the same tenant. Source: spec 00 §15."""
