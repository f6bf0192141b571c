"""What a model hub publishes of open models. Source: spec 02 §2 (4.5)."""
