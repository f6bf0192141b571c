"""The allowlist of addresses, for administrators. Source: spec 07 §1."""
