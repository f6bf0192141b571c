"""Bookkeeping that two or more rooms share. No HTTP, no vendor."""
