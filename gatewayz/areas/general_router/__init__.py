"""Pages of the general router: its pool, its modes, what it would choose. Source: spec 06 §2."""
