"""Guarantee 13: no field and no header of a call makes the gateway connect to where its caller says."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

PROVIDERS = {"openai": "openai_compatible", "anthropic": "anthropic", "google": "gemini"}


class Running(NamedTuple):
    client: httpx.Client
    upstream: StubUpstream
    inside: StubUpstream
    """Stands for a service of the inner network, which only the gateway could reach."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with stub_upstream() as upstream, stub_upstream() as inside:
        root = upstream.url.removesuffix("/v1")
        config: dict[str, Any] = {
            "providers": {
                "openai": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "anthropic": {"use": "anthropic", "base_url": root, "api_key": "k"},
                "google": {"use": "gemini", "base_url": root, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {
                f"t/{name}": {"price": {"input": "1", "output": "1"}, "offers": {name: {}}} for name in PROVIDERS
            },
        }
        with GatewayProcess(tmp_path_factory.mktemp("inside"), config) as gateway:
            headers = {"x-api-key": gateway.create_user()}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Running(client, upstream, inside)


def bodies(model: str, url: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield calls that name an address in every place where some format or gateway takes one."""
    image = {"type": "image_url", "image_url": {"url": url}}
    file = {"type": "file", "file": {"file_data": url, "file_id": url, "filename": "a.pdf"}}
    ask = {"role": "user", "content": [{"type": "text", "text": "ping"}]}
    for part in (image, file):
        yield "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": [part]}]}
    for field in ("base_url", "api_base", "endpoint", "proxy", "webhook_url", "callback_url", "url"):
        yield "/v1/chat/completions", {"model": model, "messages": [ask], field: url}
    yield "/v1/chat/completions", {"model": url, "messages": [ask]}
    mcp = {"type": "mcp", "server_label": "x", "server_url": url}
    for part in ({"type": "input_image", "image_url": url}, {"type": "input_file", "file_url": url}):
        yield "/v1/responses", {"model": model, "input": [{"role": "user", "content": [part]}], "tools": [mcp]}
        yield "/v1/responses", {"model": model, "input": [{"role": "user", "content": [part]}]}
    for kind in ("image", "document"):
        source = {"type": kind, "source": {"type": "url", "url": url}}
        yield "/v1/messages", {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": [source]}]}
    yield "/v1/embeddings", {"model": model, "input": url}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_call_reaches_the_inner_network(running: Running, provider: str) -> None:
    reached = len(running.upstream.seen)
    address = f"127.0.0.1:{running.inside.port}"
    headers = {
        "x-forwarded-host": address,
        "x-base-url": f"http://{address}",
        "x-portkey-custom-host": f"http://{address}",
    }
    for path, body in bodies(f"t/{provider}", f"http://{address}/secret.png"):
        running.client.post("/circuit-breakers/reset-all").raise_for_status()
        answer = running.client.post(path, json=body, headers=headers)
        assert answer.status_code != 500, answer.text
    assert len(running.upstream.seen) > reached, "the calls themselves are served"
    assert running.inside.seen == []
