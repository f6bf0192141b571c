"""Signing in and registering. Source: spec 03 §1."""
