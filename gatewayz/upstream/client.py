"""The HTTP client that the settings ask for."""

from typing import TYPE_CHECKING

from gatewayz.config.sections.providers import Upstream
from gatewayz.upstream.engine import Engine
from gatewayz.upstream.limits import Limits

if TYPE_CHECKING:
    from gatewayz.upstream.stock import StockClient

__all__ = ["make_client"]


def make_client(settings: Upstream) -> "Engine | StockClient":
    """Return the engine, or stock httpx where a proxy or HTTP/2 is wanted.

    Both are `HttpClient`, offer `httpx_client()`, and are closed with `aclose()`. Raises OSError when
    stock httpx cannot read `ca_file`.
    """
    limits = Limits(max_connections=settings.max_connections, keep_alive_s=settings.keep_alive_s)
    ca_file = settings.ca_file or None
    if settings.proxy or settings.http2:
        from gatewayz.upstream.stock import StockClient  # noqa: PLC0415  (httpx takes 50 ms, few ask for it)

        return StockClient(limits, proxy=settings.proxy.reveal() or None, http2=settings.http2, ca_file=ca_file)
    return Engine(limits, ca_file=ca_file)
