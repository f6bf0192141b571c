"""Which models are used most, and which answer soonest."""
