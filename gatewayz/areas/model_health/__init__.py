"""How models do at their providers, from real traffic. Source: spec 02 §2 (4.6)."""
