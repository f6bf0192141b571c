"""Referrals: a code for each user, a bonus for both sides at the first purchase."""
