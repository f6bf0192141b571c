"""Who makes and serves models."""
