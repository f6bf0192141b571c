"""What went wrong, as patterns. Source: spec 05 §8."""
