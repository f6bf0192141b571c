"""A user's own account: profile, balance, plan, activity. Source: spec 03 §2, §3."""
