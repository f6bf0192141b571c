"""Output speed of models, for Prometheus. Source: spec 01 §9 (cases 3.8.*)."""
