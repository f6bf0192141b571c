"""Credit that administrators move by hand, within caps."""
