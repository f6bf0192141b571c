"""Settings of the catalog's upkeep."""

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["CatalogSync"]


class CatalogSync(Section, frozen=True, kw_only=True):
    """How providers' own model lists are followed; only providers that are on are ever asked."""

    enabled: bool = True
    """False: nobody is asked unless an administrator says so."""
    interval_s: Positive = 1800.0
    """Between two good lists of a provider."""
    retry_s: Positive = 300.0
    """After a list that could not be read."""
    gone_after: PositiveInt = 3
    """Lists in a row that a model must be missing from before it is no longer called there."""
    concurrency: PositiveInt = 4
    """Providers asked at once."""
    poll_s: Positive = 5.0
    """How soon other processes notice a change."""
