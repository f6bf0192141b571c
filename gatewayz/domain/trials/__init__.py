"""Trials: given once, seen as of now, refused when they are over or used up."""
