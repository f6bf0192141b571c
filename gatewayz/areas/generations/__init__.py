"""Receipts: what became of a call, and why. Source: design 9."""
