"""Settings of the MCP endpoint."""

from functools import cache
from importlib.util import find_spec

from gatewayz.config.sections.base import Section

__all__ = ["MCP_NEEDED", "Mcp", "is_mcp_installed"]

MCP_NEEDED = "pip install 'gatewayz[mcp]'"


class Mcp(Section, frozen=True, kw_only=True):
    """`/mcp`: the tools for clients of the Model Context Protocol. Needs the extra `mcp`."""

    enabled: bool | None = None
    """null: where the extra is installed."""

    @property
    def is_served(self) -> bool:
        """Whether the endpoint answers."""
        return self.enabled is not False and is_mcp_installed()


@cache
def is_mcp_installed() -> bool:
    """Return whether the extra is there; nothing of it is imported."""
    return find_spec("mcp_types") is not None  # which versions before 2 lack, and no folder is likely to be
