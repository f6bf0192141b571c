"""Figures of the processes on this machine, for Prometheus and for the endpoints that show them parsed."""
