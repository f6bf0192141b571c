"""Referrals. Source: spec 03 §7."""
