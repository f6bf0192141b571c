"""Partners: trials with other figures, by code."""
