"""Model hubs."""
