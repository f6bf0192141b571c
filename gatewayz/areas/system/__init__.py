"""What this is, and whether it is well."""
