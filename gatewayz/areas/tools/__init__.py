"""Server-side tools over HTTP. Source: spec 08 §3 (20.1 to 20.6)."""
