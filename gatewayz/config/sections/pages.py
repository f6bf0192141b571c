"""Words of the public lists."""

from gatewayz.config.sections.base import Section

__all__ = ["RouterPage", "RouterSyntax"]


class RouterSyntax(Section, frozen=True, kw_only=True):
    """How a router is named in `model`."""

    primary: str
    examples: tuple[str, ...] = ()


class RouterPage(Section, frozen=True, kw_only=True):
    """What lists say of a router; its modes and other names are in its own settings."""

    name: str
    description: str
    powered_by: str
    syntax: RouterSyntax
    use_cases: tuple[str, ...] = ()
