"""Trials that partners give. Source: spec 08 §4."""
