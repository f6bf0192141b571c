"""The numbered acceptance cases of tools (20.1 to 20.6), against started servers: as shipped, and with services."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator

from gatewayz.config.resources import resource
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.tool_services import HITS, ToolServices, sound, tool_services

PLUGINS = ["providers.*", "routers.*", "billing.*", "tools.*"]
SHIPPED = yaml.safe_load(resource("gatewayz.yaml").read_text())["tools"]
SPEECH = SHIPPED["text_to_speech"] | {"base_url": "", "api_key": ""}


class Asked:
    """A started gateway with one user."""

    def __init__(self, gateway: GatewayProcess, client: httpx.Client) -> None:
        self.client = client
        self.key = {"authorization": f"Bearer {gateway.create_user()}"}

    def execute(self, name: str, **parameters: Any) -> httpx.Response:
        sent = {"name": name, "parameters": parameters}
        return self.client.post("/v1/tools/execute", json=sent, headers=self.key)

    def run(self, name: str, **parameters: Any) -> dict[str, Any]:
        answer = self.execute(name, **parameters)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        assert set(shown) == {"success", "result", "error", "metadata"}
        return shown

    def augment(self, **body: Any) -> dict[str, Any]:
        answer = self.client.post("/v1/tools/search/augment", json=body)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


def started(folder: Path, tools: dict[str, Any]) -> Iterator[Asked]:
    config = {"plugins": PLUGINS, "tools": tools, "providers": {"local": {"enabled": False}}}
    with (
        GatewayProcess(folder, config) as gateway,
        httpx.Client(base_url=gateway.base, timeout=20) as client,
    ):
        yield Asked(gateway, client)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    yield from started(tmp_path_factory.mktemp("shipped"), {**SHIPPED, "text_to_speech": SPEECH})


@pytest.fixture(scope="module")
def served() -> Iterator[ToolServices]:
    with tool_services() as server:
        yield server


@pytest.fixture
def services(served: ToolServices) -> ToolServices:
    served.status = 200
    served.seen.clear()
    return served


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, served: ToolServices) -> Iterator[Asked]:
    tools = {
        "web_search": {"use": "tavily", "base_url": served.url, "api_key": "tvly-secret"},
        "unpaid_search": {"use": "tavily", "base_url": served.url},
        "unreachable_search": {"use": "tavily", "base_url": "http://127.0.0.1:9", "api_key": "tvly-secret"},
        "text_to_speech": {
            "use": "text_to_speech",
            "base_url": f"{served.url}/v1",
            "api_key": "sk-voice",
            "models": {"chatterbox": "resemble/chatterbox"},
        },
    }
    yield from started(tmp_path_factory.mktemp("services"), tools)


def test_20_1_tools_are_listed(shipped: Asked) -> None:
    shown = shipped.client.get("/v1/tools").json()
    assert shown["count"] == len(shown["tools"]) == 2
    assert [tool["function"]["name"] for tool in shown["tools"]] == ["text_to_speech", "web_search"]


def test_20_2_definitions_are_openai_functions_with_schemas(shipped: Asked) -> None:
    shown = shipped.client.get("/v1/tools/definitions").json()
    assert [set(each) for each in shown] == [{"type", "function"}] * 2
    for each in shown:
        assert each["type"] == "function" and set(each["function"]) == {"name", "description", "parameters"}
        Draft202012Validator.check_schema(each["function"]["parameters"])
    search = Draft202012Validator(shown[1]["function"]["parameters"])
    assert search.is_valid({"query": "x"}) and search.is_valid({"query": "x", "max_results": 10})
    assert not search.is_valid({}) and not search.is_valid({"query": "x", "max_results": 11})


def test_20_3_and_20_4_one_tool(shipped: Asked) -> None:
    shown = shipped.client.get("/v1/tools/web_search").json()
    assert (shown["name"], shown["available"]) == ("web_search", True)
    assert shown["definition"] == shipped.client.get("/v1/tools/definitions").json()[1]
    assert shipped.client.get("/v1/tools/text_to_speech").json()["available"] is False
    missing = shipped.client.get("/v1/tools/fake_tool")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "TOOL_NOT_FOUND")


def test_20_5_the_shipped_search_answers_from_the_documentation(shipped: Asked) -> None:
    shown = shipped.run("web_search", query="circuit breakers recovery half-open", max_results=3)
    assert (shown["success"], shown["error"], shown["metadata"]["source"]) == (True, None, "docs")
    found = shown["result"]
    assert found["results_count"] == len(found["results"]) == 3
    assert all(hit["url"].startswith("docs/") and hit["content"] for hit in found["results"])
    assert "breaker" in (found["results"][0]["title"] + found["results"][0]["content"]).lower()
    scores = [hit["score"] for hit in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert shipped.run("web_search", query="xyzzyplugh qwertzuiop")["result"]["results"] == []
    assert shipped.run("web_search", query="breakers", exclude_domains=["docs"])["result"]["results"] == []


def test_20_5_the_web_is_searched_by_a_service(asked: Asked, services: ToolServices) -> None:
    shown = asked.run("web_search", query="latest python release", max_results=3, include_domains=["python.org"])
    assert shown["success"] is True and shown["result"]["answer"] == "In short."
    assert shown["result"]["results"] == HITS[:3] and shown["result"]["results_count"] == 3
    [(path, credential, body)] = services.seen
    assert (path, credential) == ("/search", "Bearer tvly-secret")
    assert body == {
        "query": "latest python release",
        "search_depth": "basic",
        "max_results": 3,
        "include_answer": True,
        "include_domains": ["python.org"],
        "exclude_domains": [],
    }
    assert "answer" not in asked.run("web_search", query="x", include_answer=False)["result"]


@pytest.mark.parametrize(
    ("status", "failure"),
    [(401, "authentication"), (429, "rate_limit"), (432, "rate_limit"), (400, "validation"), (500, "api_error")],
)
def test_a_service_that_fails_is_an_answer_without_its_words(
    asked: Asked, services: ToolServices, status: int, failure: str
) -> None:
    services.status = status
    shown = asked.run("web_search", query="x")
    assert (shown["success"], shown["result"], shown["metadata"]["error_type"]) == (False, None, failure)
    assert "tvly-secret" not in shown["error"]


def test_a_service_that_is_not_there_or_not_configured_is_an_answer(asked: Asked) -> None:
    assert asked.run("unreachable_search", query="x")["metadata"]["error_type"] == "connection"
    unpaid = asked.run("unpaid_search", query="x")
    assert (unpaid["success"], unpaid["metadata"]["error_type"]) == (False, "configuration")


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({}, "parameters.query"),
        ({"query": "  "}, "parameters.query"),
        ({"query": "x", "max_results": 11}, "parameters.max_results"),
        ({"query": "x", "max_results": "3"}, "parameters.max_results"),
        ({"query": "x", "search_depth": "deep"}, "parameters.search_depth"),
        ({"query": "x", "include_domains": [7]}, "parameters.include_domains[0]"),
        ({"query": "x", "deeper": 1}, "parameters"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(shipped: Asked, parameters: dict[str, Any], param: str) -> None:
    answer = shipped.execute("web_search", **parameters)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["param"] == param
    assert "deeper" not in parameters or "deeper" in answer.json()["error"]["message"]


def test_running_a_tool_needs_a_key_and_a_name(shipped: Asked) -> None:
    sent = {"name": "web_search", "parameters": {"query": "x"}}
    assert shipped.client.post("/v1/tools/execute", json=sent).status_code == 401
    assert shipped.execute("fake_tool").status_code == 404
    empty = shipped.client.post("/v1/tools/execute", json={}, headers=shipped.key)
    assert (empty.status_code, empty.json()["error"]["param"]) == (422, "name")


def test_20_6_search_results_as_context(asked: Asked, services: ToolServices) -> None:
    shown = asked.augment(query="latest python release", max_results=2)
    assert (shown["success"], shown["error"], shown["results_count"]) == (True, None, 2)
    lines = shown["context"].splitlines()
    assert lines[0].startswith('Search results for "latest python release" (')
    assert lines[2] == "Summary: In short." and lines[4] == "[1] Page 1"
    assert len(lines[5]) == 300 and lines[5].endswith("…") and lines[6] == "Source: https://pages.example/1"
    assert "[2] Page 2" in lines and "[3]" not in shown["context"]
    assert "Summary" not in asked.augment(query="x", include_answer=False)["context"]


def test_20_6_no_results_and_failures_are_answers(shipped: Asked, asked: Asked, services: ToolServices) -> None:
    nothing = {"success": True, "context": None, "error": None, "results_count": 0}
    assert shipped.augment(query="xyzzyplugh qwertzuiop") == nothing
    services.status = 500
    failed = asked.augment(query="x")
    assert (failed["success"], failed["context"], failed["results_count"]) == (False, None, 0) and failed["error"]
    for bad in ({}, {"query": ""}, {"query": "x", "max_results": 0}):
        assert shipped.client.post("/v1/tools/search/augment", json=bad).status_code == 422


def test_text_to_speech(asked: Asked, services: ToolServices) -> None:
    shown = asked.run("text_to_speech", text="Hello.", model="chatterbox", exaggeration=1.5)
    assert shown["success"] is True, shown
    result = shown["result"]
    assert base64.b64decode(result["audio_base64"]) == sound() and result["duration"] == 0.5
    assert (result["format"], result["model"], result["language"]) == ("wav", "chatterbox", "en")
    [(path, credential, body)] = services.seen
    assert (path, credential, body["model"]) == ("/v1/audio/speech", "Bearer sk-voice", "resemble/chatterbox")
    assert (body["input"], body["exaggeration"], body["response_format"]) == ("Hello.", 1.5, "wav")


@pytest.mark.parametrize(
    "url",
    ["http://voices.example/a.wav", "https://10.0.0.1/a.wav", "https://localhost/a", "https://[::1]/a", "file:///a"],
)
def test_voices_are_not_taken_from_inside(asked: Asked, services: ToolServices, url: str) -> None:
    shown = asked.run("text_to_speech", text="Hello.", voice_reference_url=url)
    assert (shown["success"], shown["metadata"]["error_type"]) == (False, "validation")
    assert not services.seen


def test_speech_without_a_service_says_so(shipped: Asked) -> None:
    shown = shipped.run("text_to_speech", text="Hello.")
    assert (shown["success"], shown["error"]) == (False, "No speech service is configured.")
    assert shown["metadata"]["error_type"] == "configuration"
