"""One process: what it opens, in order, and closes in reverse; and how it changes its configuration while it serves."""
