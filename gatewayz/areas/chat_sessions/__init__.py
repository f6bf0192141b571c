"""Chat sessions and search in them. Source: spec 01 §6."""
