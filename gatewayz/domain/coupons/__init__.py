"""Coupons: made by administrators, redeemed once by a user."""
