"""Health, cost, errors and anomalies of providers and models, from the record of traffic. Source: spec 05 §4."""
