"""Pages of the code router: its tiers, its settings, what it would choose. Source: spec 06 §1."""
