"""What was called, by whom, how long and how much."""
