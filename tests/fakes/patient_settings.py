"""Hypothesis settings for a busy machine: no deadline, no complaint about slow generation."""

from hypothesis import HealthCheck, settings

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
