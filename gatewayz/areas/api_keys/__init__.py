"""A user's own API keys. Source: spec 03 §4."""
