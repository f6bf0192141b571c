"""The whole gateway's users, calls and money at a glance, for administrators. Source: spec 07 §4."""
