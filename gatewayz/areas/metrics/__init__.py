"""Figures of this machine's processes: for Prometheus, and parsed. Source: spec 05 §4 (13.1 to 13.5)."""
