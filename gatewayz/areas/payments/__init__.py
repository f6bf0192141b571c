"""`/api/stripe`: buying credit and subscribing. Source: spec 04 §4."""
