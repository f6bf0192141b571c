"""Plans, and the caller's trial. Source: spec 03 §6."""
