"""Events that clients send, and what a response cache saved. Source: spec 05 §7."""
