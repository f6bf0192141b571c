"""Limits as administrators see and set them. Source: spec 07 §3."""
