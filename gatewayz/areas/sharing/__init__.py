"""Links to conversations. Source: spec 01 §8."""
