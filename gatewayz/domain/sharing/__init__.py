"""Conversations shown to whoever has a link. Source: spec 01 §8."""
