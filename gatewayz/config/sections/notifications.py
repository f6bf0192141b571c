"""When people are told about their account."""

from typing import Annotated

from msgspec import Meta

from gatewayz.config.sections.base import Section

__all__ = ["Notifications"]


class Notifications(Section, frozen=True, kw_only=True):
    """Mail that nobody asked for at that moment: low balances, ends that are near."""

    enabled: bool = True
    check_s: Annotated[float, Meta(gt=0)] = 300.0
    """How often one process looks who is to be told something."""
