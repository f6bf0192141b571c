"""Where logs and traces go. Source: spec 05 §4 (13.11)."""
