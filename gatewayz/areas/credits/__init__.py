"""Balances and movements of credit, for administrators. Source: spec 04 §1."""
