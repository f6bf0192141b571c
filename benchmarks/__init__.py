"""Compares gateways on one core against a mock provider, on loopback."""
