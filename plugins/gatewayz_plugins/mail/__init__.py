"""Who takes the mail to people."""
