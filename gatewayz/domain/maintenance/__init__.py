"""Which models are announced as under maintenance."""
