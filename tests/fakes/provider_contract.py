"""The provider contract over the gateway's own HTTP engine."""

from gatewayz.sdk.testing import ProviderContract
from gatewayz.sdk.wire import HttpClient
from gatewayz.upstream.engine import Engine


class EngineContract(ProviderContract):
    """Socket tests run on the engine that serves in production."""

    def client(self) -> HttpClient:
        return Engine()
