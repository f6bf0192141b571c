"""Cases 3.7.*: links to conversations."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

pytestmark = pytest.mark.xdist_group("sharing")


class Running(NamedTuple):
    gateway: GatewayProcess
    client: httpx.Client
    other: httpx.Client
    public: httpx.Client

    def session(self, title: str = "A talk", *said: str) -> int:
        session_id: int = self.client.post("/v1/chat/sessions", json={"title": title}).json()["data"]["id"]
        for text in said:
            sent = {"role": "user", "content": text}
            self.client.post(f"/v1/chat/sessions/{session_id}/messages", json=sent).raise_for_status()
        return session_id

    def share(self, session_id: int, **more: Any) -> dict[str, Any]:
        made = self.client.post("/v1/chat/share", json={"session_id": session_id, **more})
        assert made.status_code == 200, made.text
        shown: dict[str, Any] = made.json()
        return shown


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config: dict[str, Any] = {
        "providers": {"echo": {"use": "echo"}, "local": {"enabled": False}},
        "models": {"test/echo": {"price": {"input": "1", "output": "2"}, "offers": {"echo": {}}}},
        "catalog_snapshot": False,
        "limits": {"enabled": True, "endpoints": {"chat_share": {"requests": 8, "window_s": 3600, "scope": "user"}}},
    }
    with GatewayProcess(tmp_path_factory.mktemp("sharing"), config) as gateway:
        keys = [gateway.add_user(f"{name}@example.com")["api_key"] for name in ("caller", "other")]
        headers = [{"authorization": f"Bearer {key}"} for key in keys] + [{}]
        clients = [httpx.Client(base_url=gateway.base, headers=each, timeout=20) for each in headers]
        yield Running(gateway, *clients)
        for client in clients:
            client.close()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_an_end_that_cannot_be_is_refused(running: Running, moment: str) -> None:
    refused = running.other.post("/v1/chat/share", json={"session_id": 1, "expires_at": moment})
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "expires_at"), refused.text


def test_3_7_a_link_shows_the_conversation_and_nothing_else(running: Running) -> None:
    made = running.share(running.session("A talk", "hello"))
    assert made["token"] == made["share_token"] and len(made["token"]) == 43 and made["is_active"]
    shown = running.public.get(f"/v1/chat/share/{made['token']}")
    body = shown.json()
    assert body["title"] == "A talk" and [each["content"] for each in body["messages"]] == ["hello"]
    assert set(body["messages"][0]) == {"role", "content", "model", "created_at"}
    assert "user_id" not in shown.text and "caller@example.com" not in shown.text and "gw_" not in shown.text
    assert shown.headers["x-robots-tag"].startswith("noindex") and shown.headers["cache-control"] == "no-store"
    running.public.get(made["share_url"]).raise_for_status()
    (listed,) = [each for each in running.client.get("/v1/chat/share").json()["data"] if each["id"] == made["id"]]
    assert listed["view_count"] == 2 and listed["last_viewed_at"] is not None and listed["share_token"] is None
    assert made["token"].startswith(listed["token_hint"])


def test_the_page_is_escaped_and_loads_nothing_foreign(running: Running) -> None:
    made = running.share(running.session("<img src=x onerror=alert(1)>", "<script>alert(2)</script>"))
    page = running.public.get(f"/share/{made['token']}")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text and "<img" not in page.text and "&lt;script&gt;alert(2)" in page.text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "script-src" not in policy and "unsafe" not in policy
    assert 'name="robots" content="noindex' in page.text and page.headers["x-robots-tag"].startswith("noindex")


def test_3_7_4_a_revoked_link_is_gone(running: Running) -> None:
    first, second = (running.share(running.session()) for _ in range(2))
    for named in (first["token"], str(second["id"])):
        assert running.other.delete(f"/v1/chat/share/{named}").status_code == 404
        assert running.client.delete(f"/v1/chat/share/{named}").json()["success"]
        assert running.client.delete(f"/v1/chat/share/{named}").status_code == 404
    for made in (first, second):
        assert running.public.get(f"/v1/chat/share/{made['token']}").status_code == 404
        assert running.public.get(f"/share/{made['token']}").status_code == 404


def test_expired_links_and_deleted_sessions_show_nothing(running: Running) -> None:
    session_id = running.session()
    soon = running.share(session_id, expires_at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())
    lasting = running.share(session_id)
    path = f"/v1/chat/share/{soon['token']}"
    end = time.monotonic() + 10
    while running.public.get(path).status_code == 200 and time.monotonic() < end:
        time.sleep(0.1)
    assert running.public.get(path).status_code == 404
    assert running.public.get(f"/v1/chat/share/{lasting['token']}").status_code == 200
    running.client.delete(f"/v1/chat/sessions/{session_id}").raise_for_status()
    assert running.public.get(f"/v1/chat/share/{lasting['token']}").status_code == 404


def test_bad_links_and_bad_moments(running: Running) -> None:
    for token in ("x", "a" * 43, "é" * 30, "a" * 5000, "1"):
        assert running.public.get(f"/v1/chat/share/{token}").status_code == 404, token
        assert running.public.get(f"/share/{token}").status_code == 404, token
    past = running.other.post("/v1/chat/share", json={"session_id": 1, "expires_at": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["error"]["param"]) == (422, "expires_at")
    assert running.public.post("/v1/chat/share", json={"session_id": 1}).status_code == 401


def test_links_are_limited_and_the_database_has_no_token(running: Running) -> None:
    session_id = running.session()
    made = running.share(session_id)
    tries = [running.client.post("/v1/chat/share", json={"session_id": session_id}).status_code for _ in range(8)]
    assert tries[-1] == 429
    running.gateway.stop()
    path = running.gateway.folder / "gatewayz.db"
    with sqlite3.connect(path) as database:
        dump = "\n".join(database.iterdump())
    assert made["token_hint"] in dump and made["token"] not in dump


def test_guessed_tokens_write_nothing_and_are_limited(tmp_path_factory: pytest.TempPathFactory) -> None:
    limit = {"requests": 6, "window_s": 3600, "scope": "address"}
    config: dict[str, Any] = {
        "providers": {"local": {"enabled": False}},
        "catalog_snapshot": False,
        "limits": {"enabled": True, "endpoints": {"shared_chat": limit}},
    }
    with GatewayProcess(tmp_path_factory.mktemp("guessed"), config) as gateway:
        guesses = ["x", "x" * 43, "ü" * 43, "a" * 42 + "!", "a" * 5_000]
        answers = [httpx.get(f"{gateway.base}/v1/chat/share/{guess}", timeout=20) for guess in guesses]
        assert {answer.status_code for answer in answers} == {404}
        assert httpx.get(f"{gateway.base}/share/{'y' * 43}", timeout=20).status_code == 404
        for path in ("/v1/chat/share/x", "/share/x"):
            limited = httpx.get(f"{gateway.base}{path}", timeout=20)
            assert limited.status_code == 429 and int(limited.headers["retry-after"]) > 0
