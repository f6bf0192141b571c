"""What people are told about their account. Source: spec 08 §5 (23.1 to 23.3)."""
