"""What is observed: logs, and the one exit that redacts them."""
