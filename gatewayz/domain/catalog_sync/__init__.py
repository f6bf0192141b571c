"""The catalog over time: what is shipped, what providers list by themselves, and when that is asked."""
