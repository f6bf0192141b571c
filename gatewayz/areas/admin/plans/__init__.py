"""Giving a plan. Source: spec 07 §3."""
