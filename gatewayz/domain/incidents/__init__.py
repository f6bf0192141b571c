"""Incidents: when an outage is one, how bad it is, and when it is over."""
