"""`/v1/files`: what users keep here."""
