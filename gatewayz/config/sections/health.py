"""Settings of health checks."""

from gatewayz.config.sections.base import Positive, PositiveInt, Section
from gatewayz.config.sections.plugins import PluginEntry

__all__ = ["Downtime", "HealthEntry"]


class HealthEntry(PluginEntry, frozen=True, kw_only=True):
    """An instance of a health check; every key that is not here is the plugin's."""

    interval_s: Positive = 60.0
    """How often it looks, give or take a tenth; one process looks for all."""
    deadline_s: Positive = 10.0
    """A look that takes longer counts as `down`."""


class Downtime(Section, frozen=True, kw_only=True):
    """How the gateway notices that it was away; see `docs/health.md`."""

    beat_s: Positive = 5.0
    """How often each process gives a sign of life."""
    gap_s: Positive = 30.0
    """Less time without a process is a restart, and no downtime."""
    database_s: Positive = 10.0
    """Less time without a database is none either."""
    keep_days: PositiveInt = 365
