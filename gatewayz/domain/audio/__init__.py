"""Sound files: what they are, and how long they last."""
