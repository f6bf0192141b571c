import pytest

from gatewayz.config.sections.providers import Upstream
from gatewayz.sdk.secret import Secret
from gatewayz.upstream.client import make_client
from gatewayz.upstream.engine import Engine
from gatewayz.upstream.stock import StockClient


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (Upstream(), Engine),
        (Upstream(proxy=Secret("http://127.0.0.1:9")), StockClient),
        (Upstream(http2=True), StockClient),
    ],
)
async def test_the_client_that_is_asked_for(settings: Upstream, kind: type) -> None:
    client = make_client(settings)
    assert type(client) is kind
    httpx_client = client.httpx_client()
    await httpx_client.aclose()
    await client.aclose()
