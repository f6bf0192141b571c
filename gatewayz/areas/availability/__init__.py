"""Which models can be had now, and what to take instead. Source: spec 02 §2 (4.8)."""
