"""How much work there is, and which providers are slow. Source: spec 05 §5."""
