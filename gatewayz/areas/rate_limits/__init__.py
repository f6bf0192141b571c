"""Limits of keys, as their owners and administrators see and set them. Source: spec 03 §5."""
