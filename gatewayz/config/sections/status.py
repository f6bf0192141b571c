"""Settings of incidents and of the status page."""

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["Status"]


class Status(Section, frozen=True, kw_only=True):
    """When outages become incidents; `docs/status.md` has the whole rule."""

    check_s: Positive = 15.0
    """How often one process compares conditions with the open incidents, and each one reads them."""
    recover_s: Positive = 300.0
    """How long something must have been answering, though not well yet, before its incident ends."""
    keep_days: PositiveInt = 730
    """Ended incidents are forgotten after this."""
