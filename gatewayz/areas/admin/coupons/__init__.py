"""Coupons for administrators. Source: spec 07 §10."""
