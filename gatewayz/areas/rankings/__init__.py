"""Leaderboards from the own traffic."""
