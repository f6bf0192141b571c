"""Policies that order the offers of a model."""
