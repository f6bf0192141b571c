"""Errors that are alike, counted: from failed attempts and requests, and from the log."""
