"""The registry of canonical models."""
