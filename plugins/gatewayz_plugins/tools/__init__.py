"""Server-side tools."""
