"""What clients say happened in them: taken at once, written behind the requests."""
