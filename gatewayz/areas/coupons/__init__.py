"""Coupons for users. Source: spec 04 §3."""
