"""Web search by a service that speaks Tavily's protocol."""

from gatewayz.sdk.hookspecs import ToolRegister, hookimpl
from gatewayz_plugins.tools.tavily.search import TavilySearch, TavilySettings


@hookimpl
def gatewayz_register_tools(register: ToolRegister) -> None:
    """Offer the search as `tavily`."""
    register("tavily", TavilySearch, settings=TavilySettings)
