"""Who pays for a call."""
