"""The model hub of the configuration in force, as endpoints ask it."""
