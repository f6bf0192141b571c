"""Endpoints for administrators, a folder for each subject."""
