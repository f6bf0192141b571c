"""Administration of roles."""
