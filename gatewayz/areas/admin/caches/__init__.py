"""What is kept in memory, for administrators. Source: spec 07 §5."""
