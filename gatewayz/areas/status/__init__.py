"""The status page as JSON, and incidents. Source: spec 05 §6."""
