"""What trials come to. Source: spec 07 §8."""
