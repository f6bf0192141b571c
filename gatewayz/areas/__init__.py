"""Endpoints, one folder per area. Areas never import each other."""
