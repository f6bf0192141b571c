"""Server-side tools of the configuration in force: their definitions, running them, and search results as context."""
