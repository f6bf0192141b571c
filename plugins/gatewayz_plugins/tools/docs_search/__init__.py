"""Search of the gateway's own documentation, without a network."""

from gatewayz.sdk.hookspecs import ToolRegister, hookimpl
from gatewayz_plugins.tools.docs_search.search import DocsSearch, DocsSearchSettings


@hookimpl
def gatewayz_register_tools(register: ToolRegister) -> None:
    """Offer the search as `docs_search`."""
    register("docs_search", DocsSearch, settings=DocsSearchSettings)
