"""The model catalog in memory, for administrators. Source: spec 07 §5."""
