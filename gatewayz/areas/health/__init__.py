"""`/health`: the truth about everything, always with status 200."""
