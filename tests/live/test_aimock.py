"""aimock as the upstream of the wide protocols: Bedrock converse, Azure OpenAI, Vertex AI."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import anthropic
import httpx
import jwt
import msgspec
import openai
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.mock_servers import AiMock, aimock
from tests.fakes.node_packages import Node

pytestmark = pytest.mark.timeout(180)

TEXT = "Hello from the other side, dear gateway."
PRICE = {"input": 1, "output": 2, "source": "test", "date": "2026-11-25"}
PUBLISHER = "/v1/projects/our-project/locations/us-central1/publishers/google/models"
MODELS = {
    "test/bedrock": "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse",
    "test/bedrock-signed": "/model/amazon.nova-lite-v1%3A0/converse",
    "test/azure": "/openai/deployments/our-gpt/chat/completions",
    "test/vertex": f"{PUBLISHER}/gemini-2.5-flash:generateContent",
}
"""Model to the path that a whole answer is asked for on."""
PING: Any = [{"role": "user", "content": "ping"}]
WEATHER: Any = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "How is the weather?"}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
FIXTURES: Any = [
    {"match": {"model": "broken"}, "response": {"error": {"message": "ill", "type": "server_error"}, "status": 503}},
    {"match": {"userMessage": "purple"}, "response": {"error": {"message": "too purple", "type": "x"}, "status": 400}},
    {"match": {"endpoint": "embedding"}, "response": {"embedding": [0.5, 1.0]}},
    {"match": {"hasToolResult": True, "endpoint": "chat"}, "response": {"content": "Warm in Rome."}},
    {
        "match": {"userMessage": "weather", "endpoint": "chat"},
        "response": {
            "toolCalls": [
                {"name": "get_weather", "arguments": '{"city":"Paris"}'},
                {"name": "get_weather", "arguments": '{"city":"Rome"}'},
            ]
        },
    },
    {"match": {"endpoint": "chat"}, "response": {"content": TEXT}},
]


@dataclass
class TokenService:
    """Google's token endpoint: grants a token for a claim that was really signed by the account."""

    key: rsa.RSAPrivateKey
    url: str = ""
    granted: list[dict[str, Any]] = field(default_factory=list)

    def grant(self, body: bytes) -> bytes:
        claim = parse_qs(body.decode())["assertion"][0]
        self.granted.append(jwt.decode(claim, self.key.public_key(), algorithms=["RS256"], audience=self.url))
        return msgspec.json.encode({"access_token": "ya29.granted", "expires_in": 3600, "token_type": "Bearer"})


@contextmanager
def token_service() -> Iterator[TokenService]:
    service = TokenService(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = service.grant(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def account(service: TokenService) -> str:
    pem = service.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fields = {"type": "service_account", "client_email": "sa@our-project.iam.gserviceaccount.com"}
    fields |= {"private_key": pem.decode(), "project_id": "our-project", "token_uri": service.url}
    return msgspec.json.encode(fields).decode()


@dataclass
class Mocked:
    """The gateway, the mock behind it, and clients that carry a key."""

    mock: AiMock
    tokens: TokenService
    client: httpx.Client
    openai: openai.OpenAI
    anthropic: anthropic.Anthropic

    def journal_since(self, count: int) -> list[dict[str, Any]]:
        return self.mock.journal()[count:]


@pytest.fixture(scope="module")
def mocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mocked]:
    folder = tmp_path_factory.mktemp("aimock")
    node = Node(tmp_path_factory.mktemp("node"))
    with aimock(node, folder, FIXTURES) as mock, token_service() as tokens:
        config = {
            "providers": {
                "bedrock": {"base_url": mock.url, "api_key": "bedrock-bearer"},
                "bedrock-signed": {
                    "use": "bedrock",
                    "base_url": mock.url,
                    "access_key_id": "AKIAEXAMPLE",
                    "secret_access_key": "wJalrXUtnFEMI",
                },
                "azure-openai": {"base_url": mock.url, "api_key": "azure-key", "deployments": {"azure": "our-gpt"}},
                "google-vertex": {"base_url": f"{mock.url}/v1", "credentials_json": account(tokens)},
                "local": {"enabled": False},
            },
            "models": {
                "test/bedrock": offers(bedrock="anthropic.claude-3-haiku-20240307-v1:0"),
                "test/bedrock-signed": offers(**{"bedrock-signed": "amazon.nova-lite-v1:0"}),
                "test/azure": offers(**{"azure-openai": "azure"}),
                "test/vertex": offers(**{"google-vertex": "gemini-2.5-flash"}),
                "test/embedding": offers(**{"azure-openai": "embedding"}),
                "test/shared": offers(bedrock="broken", **{"azure-openai": "azure"}),
            },
        }
        with GatewayProcess(folder, config) as gateway:
            key = gateway.create_user()
            with (
                httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}, timeout=20) as client,
                openai.OpenAI(base_url=f"{gateway.base}/v1", api_key=key, max_retries=0) as openai_client,
                anthropic.Anthropic(base_url=gateway.base, api_key=key, max_retries=0) as anthropic_client,
            ):
                yield Mocked(mock, tokens, client, openai_client, anthropic_client)


def offers(**ids: str) -> dict[str, Any]:
    return {"price": PRICE, "offers": {provider: {"id": id} for provider, id in ids.items()}}


@pytest.mark.parametrize("model", MODELS)
def test_whole_answers(mocked: Mocked, model: str) -> None:
    before = len(mocked.mock.journal())
    reply = mocked.openai.chat.completions.create(model=model, messages=PING, max_tokens=64)
    assert reply.choices[0].message.content == TEXT and reply.choices[0].finish_reason == "stop"
    assert reply.usage is not None and reply.usage.completion_tokens > 0 and reply.model == model
    [seen] = mocked.journal_since(before)
    assert seen["path"].partition("?")[0] == MODELS[model]


@pytest.mark.parametrize("model", MODELS)
def test_streams(mocked: Mocked, model: str) -> None:
    with mocked.openai.chat.completions.stream(model=model, messages=PING) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(pieces) == final.choices[0].message.content == TEXT and len(pieces) > 1
    assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("model", MODELS)
def test_streams_for_anthropics_sdk(mocked: Mocked, model: str) -> None:
    with mocked.anthropic.messages.stream(model=model, max_tokens=64, messages=PING) as stream:
        assert "".join(stream.text_stream) == TEXT
        assert stream.get_final_message().stop_reason == "end_turn"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_parallel_tools_there_and_back(mocked: Mocked, model: str, stream: bool) -> None:
    options: Any = {"model": model, "tools": [TOOL], "max_tokens": 64}
    if stream:
        with mocked.openai.chat.completions.stream(messages=WEATHER, **options) as opened:
            choice: Any = opened.get_final_completion().choices[0]
    else:
        choice = mocked.openai.chat.completions.create(messages=WEATHER, **options).choices[0]
    calls = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls" and len({call.id for call in calls}) == 2
    assert [msgspec.json.decode(call.function.arguments) for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    functions = [call.function.model_dump(include={"name", "arguments"}) for call in calls]
    made = [{"id": c.id, "type": "function", "function": f} for c, f in zip(calls, functions, strict=True)]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "30 degrees"} for call in calls]
    messages = [*WEATHER, {"role": "assistant", "content": None, "tool_calls": made}, *results]
    again = mocked.openai.chat.completions.create(messages=messages, **options)
    assert again.choices[0].message.content == "Warm in Rome."


def test_credentials_reach_their_provider(mocked: Mocked) -> None:
    before = len(mocked.mock.journal())
    for model in MODELS:
        mocked.openai.chat.completions.create(model=model, messages=PING, max_tokens=64)
    bearer, signed, azure, vertex = (seen["headers"] for seen in mocked.journal_since(before))
    assert "authorization" in bearer and "x-amz-date" in signed and "api-key" in azure and "authorization" in vertex
    assert mocked.tokens.granted[0]["iss"] == "sa@our-project.iam.gserviceaccount.com"
    assert len(mocked.tokens.granted) == 1, "a token is kept until shortly before it ends"


def test_embeddings_of_azure(mocked: Mocked) -> None:
    reply = mocked.openai.embeddings.create(model="test/embedding", input=["a", "b"])
    assert [row.embedding for row in reply.data] == [[0.5, 1.0], [0.5, 1.0]]


@pytest.mark.parametrize("stream", [False, True])
def test_failover_from_bedrock_to_azure(mocked: Mocked, stream: bool) -> None:
    body = {"model": "test/shared", "messages": PING, "max_tokens": 64, "stream": stream}
    reply = mocked.client.post("/v1/chat/completions", json=body)
    assert reply.status_code == 200 and reply.headers["x-provider"] == "azure-openai"


@pytest.mark.parametrize("model", MODELS)
def test_a_rejection_is_the_callers(mocked: Mocked, model: str) -> None:
    before = len(mocked.mock.journal())
    messages: Any = [{"role": "user", "content": "paint it purple"}]
    with pytest.raises(openai.BadRequestError, match="too purple"):
        mocked.openai.chat.completions.create(model=model, messages=messages, max_tokens=64)
    assert len(mocked.journal_since(before)) == 1
