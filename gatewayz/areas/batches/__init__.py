"""`/v1/batches`: many calls from one file."""
