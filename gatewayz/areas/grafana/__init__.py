"""The record of traffic as a JSON data source of Grafana. Source: spec 05 §4 (13.12)."""
