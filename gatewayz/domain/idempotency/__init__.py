"""Requests that callers mark as the same."""
