"""What was observed of traffic and probes: recorded once, read by every endpoint that shows it."""
