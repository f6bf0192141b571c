"""Cases 3.5.* and 3.6.*: sessions, search, feedback; and calls that go on from a session."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, chat_stream, stub_upstream

pytestmark = pytest.mark.xdist_group("sessions")
MODEL, SMALL = "acme/stub", "acme/small"
PRICE = {"input": "0.001", "output": "0.002"}


class Running(NamedTuple):
    upstream: StubUpstream
    client: httpx.Client
    other: httpx.Client

    def session(self, **more: Any) -> int:
        made = self.client.post("/v1/chat/sessions", json={"title": "Case session", "model": MODEL, **more})
        assert made.status_code == 200, made.text
        session_id: int = made.json()["data"]["id"]
        return session_id

    def say(self, session_id: int, content: str, role: str = "user") -> int:
        sent = {"role": role, "content": content, "tokens": 3}
        kept = self.client.post(f"/v1/chat/sessions/{session_id}/messages", json=sent)
        assert kept.status_code == 200, kept.text
        message_id: int = kept.json()["data"]["id"]
        return message_id

    def ask(self, text: str, **more: Any) -> httpx.Response:
        sent = {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 16, **more}
        return self.client.post("/v1/chat/completions", json=sent)

    def said(self, session_id: int) -> list[tuple[str, str]]:
        shown = self.client.get(f"/v1/chat/sessions/{session_id}").json()
        return [(each["role"], each["content"]) for each in shown["data"]["messages"]]


@pytest.fixture(scope="module")
def running_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "providers": {
                "first": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {
                MODEL: {"price": PRICE, "offers": {"first": {}}},
                SMALL: {"price": PRICE, "context_length": 64, "offers": {"first": {}}},
            },
            "catalog_snapshot": False,
        }
        with GatewayProcess(tmp_path_factory.mktemp("sessions"), config) as gateway:
            keys = [gateway.add_user(f"{name}@example.com")["api_key"] for name in ("caller", "other")]
            clients = [
                httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}, timeout=20)
                for key in keys
            ]
            yield Running(upstream, *clients)
            for client in clients:
                client.close()


@pytest.fixture
def running(running_module: Running) -> Running:
    running_module.upstream.recover()
    running_module.upstream.seen.clear()
    return running_module


def test_3_5_sessions_are_kept_changed_and_deleted(running: Running) -> None:
    session_id = running.session()
    listed = running.client.get("/v1/chat/sessions", params={"limit": 1}).json()
    assert listed["success"] and listed["count"] == 1 and listed["data"][0]["id"] == session_id
    running.say(session_id, "hello")
    path = f"/v1/chat/sessions/{session_id}"
    assert running.client.put(path, json={"title": "Renamed"}).json()["data"]["title"] == "Renamed"
    shown = running.client.get(path).json()["data"]
    assert (shown["title"], shown["model"], len(shown["messages"])) == ("Renamed", MODEL, 1)
    assert running.client.delete(path).json()["success"]
    for reply in (running.client.get(path), running.client.delete(path), running.client.put(path, json={"title": "x"})):
        assert reply.status_code == 404


def test_3_5_pages_go_on_from_a_cursor(running: Running) -> None:
    ids = [running.session(title=f"page {n}") for n in range(3)]
    first = running.client.get("/v1/chat/sessions", params={"limit": 2}).json()
    second = running.client.get("/v1/chat/sessions", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [each["id"] for each in first["data"] + second["data"]][:3] == ids[::-1]
    for n in range(3):
        running.say(ids[0], f"message {n}")
    newest = running.client.get(f"/v1/chat/sessions/{ids[0]}", params={"limit": 2}).json()
    assert [each["content"] for each in newest["data"]["messages"]] == ["message 1", "message 2"]
    older = running.client.get(f"/v1/chat/sessions/{ids[0]}", params={"cursor": newest["next_cursor"]}).json()
    assert [each["content"] for each in older["data"]["messages"]] == ["message 0"] and older["next_cursor"] is None


def test_3_5_sessions_of_others_are_not_there(running: Running) -> None:
    session_id = running.session()
    message_id = running.say(session_id, "secret needle of mine")
    path, message = f"/v1/chat/sessions/{session_id}", {"role": "user", "content": "x"}
    feedback = {"feedback_type": "thumbs_up"}
    for reply in (
        running.other.get(path),
        running.other.put(path, json={"title": "x"}),
        running.other.delete(path),
        running.other.post(f"{path}/messages", json=message),
        running.other.post(f"{path}/messages/batch", json={"messages": [message]}),
        running.other.get(f"{path}/feedback"),
        running.other.post("/v1/chat/feedback", json={**feedback, "session_id": session_id}),
        running.other.post("/v1/chat/feedback", json={**feedback, "message_id": message_id}),
        running.other.post("/v1/chat/share", json={"session_id": session_id}),
    ):
        assert reply.status_code == 404, reply.text
    assert running.other.post("/v1/chat/search", json={"query": "needle"}).json()["count"] == 0
    assert httpx.get(str(running.client.base_url).rstrip("/") + path).status_code == 401


def test_3_5_4_a_batch_tells_what_was_wrong(running: Running) -> None:
    session_id = running.session()
    messages = [{"role": "user", "content": "first"}, {"role": "nobody", "content": "x"}, {"role": "user"}]
    sent = {"messages": [*messages, {"role": "assistant", "content": "second", "tokens": 2}]}
    data = running.client.post(f"/v1/chat/sessions/{session_id}/messages/batch", json=sent).json()["data"]
    assert (data["total"], data["success_count"], data["failure_count"]) == (4, 2, 2)
    assert [each["index"] for each in data["failed"]] == [1, 2]
    assert running.said(session_id) == [("user", "first"), ("assistant", "second")]


def test_3_5_5_search_shows_where_and_escapes(running: Running) -> None:
    session_id = running.session(title="About <b>haystacks</b>")
    running.say(session_id, "a <script>alert(1)</script> zebrafish swims")
    found = running.client.post("/v1/chat/search", json={"query": "zebraf"}).json()
    assert [each["id"] for each in found["data"]] == [session_id]
    highlight = found["data"][0]["matches"][0]["highlight"]
    assert "<mark>zebrafish</mark>" in highlight and "<script>" not in highlight and "&lt;script&gt;" in highlight
    titled = running.client.post("/v1/chat/search", json={"query": "haystacks"}).json()["data"][0]
    assert titled["title_highlight"] == "About &lt;b&gt;<mark>haystacks</mark>&lt;/b&gt;"
    for query in ('"', "a AND (", "NEAR(", "zebra* OR", "'; DROP TABLE chat_messages; --", "x:y", "\\"):
        assert running.client.post("/v1/chat/search", json={"query": query}).status_code in (200, 422), query


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "param"),
    [
        ("POST", "/v1/chat/sessions", {"title": ""}, 422, "title"),
        ("GET", "/v1/chat/sessions?limit=101", None, 422, "limit"),
        ("GET", "/v1/chat/sessions/99999999", None, 404, "session_id"),
        ("GET", "/v1/chat/sessions/x", None, 404, None),
        ("POST", "/v1/chat/search", {"query": "?!"}, 422, "query"),
        ("POST", "/v1/chat/feedback", {"feedback_type": "meh"}, 422, "feedback_type"),
        ("POST", "/v1/chat/feedback", {"feedback_type": "thumbs_up", "rating": 6}, 422, "rating"),
        ("PUT", "/v1/chat/feedback/99999999", {"rating": 1}, 404, "feedback_id"),
        ("GET", "/v1/chat/feedback/stats?days=0", None, 422, "days"),
    ],
)
def test_bad_input_is_named(
    running: Running, method: str, path: str, sent: dict[str, Any] | None, status: int, param: str | None
) -> None:
    reply = running.client.request(method, path, json=sent)
    assert reply.status_code == status, reply.text
    assert reply.json()["error"].get("param") == param or param is None


def test_3_6_feedback_is_counted_by_model(running: Running) -> None:
    session_id = running.session()
    message_id = running.say(session_id, "an answer", "assistant")
    sent = {"feedback_type": "thumbs_up", "message_id": message_id, "rating": 5, "metadata": {"a": [1]}, "model": "m/x"}
    given = running.client.post("/v1/chat/feedback", json=sent).json()["data"]
    assert (given["session_id"], given["metadata"]) == (session_id, {"a": [1]})
    down = {"feedback_type": "thumbs_down", "session_id": session_id, "model": "m/x"}
    running.client.post("/v1/chat/feedback", json=down).raise_for_status()
    stats = running.client.get("/v1/chat/feedback/stats", params={"model": "m/x"}).json()["stats"]
    assert (stats["total_feedback"], stats["thumbs_up_rate"], stats["average_rating"]) == (2, 0.5, 5.0)
    assert stats["by_model"]["m/x"]["thumbs_down"] == 1
    path = f"/v1/chat/feedback/{given['id']}"
    assert running.other.delete(path).status_code == running.other.put(path, json={"rating": 1}).status_code == 404
    changed = running.client.put(path, json={"rating": None, "comment": "hm"}).json()["data"]
    assert (changed["rating"], changed["comment"], changed["feedback_type"]) == (None, "hm", "thumbs_up")
    assert running.client.get(f"/v1/chat/sessions/{session_id}/feedback").json()["count"] == 2
    assert running.client.delete(path).json()["success"]
    assert running.client.get("/v1/chat/feedback", params={"session_id": session_id}).json()["count"] == 1


def test_a_call_goes_on_from_its_session(running: Running) -> None:
    session_id = running.session()
    reply = running.ask("first question", session_id=session_id)
    assert reply.json()["choices"][0]["message"]["content"] == "pong"
    assert reply.headers["x-session-history"] == "0"
    system = {"role": "system", "content": "be brief"}
    second = running.client.post(
        f"/v1/chat/completions?session_id={session_id}",
        json={"model": MODEL, "messages": [system, {"role": "user", "content": "second question"}]},
    )
    assert second.headers["x-session-history"] == "2" and second.headers["x-session-history-dropped"] == "0"
    sent = running.upstream.seen[-1].body
    assert [each["content"] for each in sent["messages"]] == ["be brief", "first question", "pong", "second question"]
    assert "session_id" not in sent
    turns = [("user", "first question"), ("assistant", "pong"), ("user", "second question"), ("assistant", "pong")]
    assert running.said(session_id) == turns
    kept = running.client.get(f"/v1/chat/sessions/{session_id}").json()["data"]["messages"][1]
    assert (kept["model"], kept["tokens"], kept["is_complete"]) == (MODEL, 2, True)


def test_a_streamed_answer_is_kept_before_its_end_is_seen(running: Running) -> None:
    session_id = running.session()
    streamed = running.ask("stream it", session_id=str(session_id), stream=True)
    assert streamed.text.rstrip().endswith("[DONE]")
    assert running.said(session_id) == [("user", "stream it"), ("assistant", "pong")]


def test_messages_of_anthropic_go_on_from_a_session(running: Running) -> None:
    session_id = running.session()
    running.say(session_id, "always rhyme", "system")
    running.say(session_id, "earlier")
    running.say(session_id, "answered", "assistant")
    asked = {
        "model": MODEL,
        "max_tokens": 16,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "now"}]}],
    }
    for stream in (False, True):
        reply = running.client.post(f"/v1/messages?session_id={session_id}", json={**asked, "stream": stream})
        assert reply.status_code == 200, reply.text
    sent = running.upstream.seen[0].body["messages"]
    assert [each["role"] for each in sent] == ["system", "user", "assistant", "user"]
    assert running.said(session_id)[3:] == [("user", "now"), ("assistant", "pong")] * 2


def test_a_caller_that_leaves_keeps_what_was_delivered(running: Running) -> None:
    session_id = running.session()
    events = list(chat_stream(MODEL, ["delivered", " never"]))
    running.upstream.behave = lambda seen: (200, {}, [events[0], events[1], 30.0, *events[2:]])
    sent = {"model": MODEL, "messages": [{"role": "user", "content": "long"}], "stream": True, "session_id": session_id}
    with running.client.stream("POST", "/v1/chat/completions", json=sent) as reply:
        for line in reply.iter_lines():
            if "delivered" in line:
                break
    end = time.monotonic() + 10
    while not (shown := _messages(running, session_id)) and time.monotonic() < end:
        time.sleep(0.05)
    assert [(each["content"], each["is_complete"]) for each in shown] == [("long", True), ("delivered", False)]


def _messages(running: Running, session_id: int) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = running.client.get(f"/v1/chat/sessions/{session_id}").json()["data"]["messages"]
    return shown


def test_history_that_does_not_fit_is_left_out_oldest_first(running: Running) -> None:
    session_id = running.session()
    for n in range(4):
        running.say(session_id, f"question {n} " + "x" * 40)
        running.say(session_id, f"answer {n}", "assistant")
    reply = running.ask("now", model=SMALL, session_id=session_id)
    used, dropped = (int(reply.headers[f"x-session-history{end}"]) for end in ("", "-dropped"))
    assert used > 0 and dropped > 0 and used + dropped == 8
    sent = running.upstream.seen[-1].body["messages"]
    assert len(sent) == used + 1 and sent[0]["role"] == "user" and sent[-2]["content"] == "answer 3"


def test_no_provider_is_called_for_a_session_that_is_not_the_callers(running: Running) -> None:
    foreign = running.other.post("/v1/chat/sessions", json={}).json()["data"]["id"]
    for session_id, status in ((foreign, 404), (99_999_999, 404), (2**60, 404), ("x", 400), (-1, 400)):
        reply = running.ask("hello", session_id=session_id)
        assert (reply.status_code, reply.json()["error"]["param"]) == (status, "session_id"), session_id
    asked = {"model": MODEL, "input": "hello", "session_id": running.session()}
    assert running.client.post("/v1/responses", json=asked).status_code == 400
    assert running.upstream.seen == []


def test_a_failed_call_keeps_nothing(running: Running) -> None:
    session_id = running.session()
    running.upstream.fail(500)
    assert running.ask("lost", session_id=session_id).status_code >= 500
    assert running.said(session_id) == []


def test_a_repeat_of_a_call_keeps_its_turn_once(running: Running) -> None:
    session_id = running.session()
    headers = {"idempotency-key": f"turn-{session_id}"}
    sent = {"model": MODEL, "messages": [{"role": "user", "content": "once"}]}
    path = f"/v1/chat/completions?session_id={session_id}"
    first, again = (running.client.post(path, json=sent, headers=headers) for _ in range(2))
    assert again.headers["idempotent-replayed"] == "true" and again.content == first.content
    assert running.said(session_id) == [("user", "once"), ("assistant", "pong")]
    other = f"/v1/chat/completions?session_id={running.session()}"
    assert running.client.post(other, json=sent, headers=headers).status_code == 422


def test_a_call_without_a_session_is_as_it_was(running: Running) -> None:
    reply = running.ask("plain")
    assert reply.status_code == 200 and "x-session-history" not in reply.headers
    assert msgspec.json.encode(running.upstream.seen[-1].body["messages"]) == b'[{"role":"user","content":"plain"}]'


UNNAMEABLE = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1969-12-31T23:59:59Z"]


@pytest.mark.parametrize("moment", UNNAMEABLE)
def test_moments_that_cannot_be_are_refused(running: Running, moment: str) -> None:
    path = f"/v1/chat/sessions/{running.session()}/messages"
    good = {"role": "user", "content": "x", "created_at": "1970-01-01T00:00:00Z"}
    one = running.client.post(path, json={**good, "created_at": moment})
    assert (one.status_code, one.json()["error"]["param"]) == (422, "created_at"), one.text
    many = running.client.post(f"{path}/batch", json={"messages": [good, {**good, "created_at": moment}]})
    told = many.json()["data"]
    assert (many.status_code, told["success_count"], told["failure_count"]) == (200, 1, 1)
    assert told["failed"][0]["index"] == 1 and "created_at" in told["failed"][0]["error"]


def test_a_session_is_read_in_bounded_pieces_and_full_before_it_is_endless(running: Running) -> None:
    session_id = running.session()
    path = f"/v1/chat/sessions/{session_id}"
    long = {"role": "user", "content": "x" * 1_000_000}
    for _ in range(9):
        running.client.post(f"{path}/messages", json=long).raise_for_status()
    shown = running.client.get(path).json()
    assert (len(shown["data"]["messages"]), shown["data"]["message_count"]) == (4, 9)
    older = running.client.get(path, params={"cursor": shown["next_cursor"]}).json()
    assert len(older["data"]["messages"]) == 4 and older["next_cursor"] is not None
    token = running.client.post("/v1/chat/share", json={"session_id": session_id}).json()["token"]
    assert len(running.client.get(f"/v1/chat/share/{token}").json()["messages"]) == 4
    refused = running.ask("And then?", session_id=session_id)
    assert (refused.status_code, refused.json()["error"]["gateway_code"]) == (409, "SESSION_FULL"), refused.text
    assert not running.upstream.seen, "an answer that cannot be kept is not asked for"
    running.client.post(f"{path}/messages", json=long).raise_for_status()
    for sent in ({"messages": [{"role": "user", "content": "x"}]}, None):
        full = running.client.post(f"{path}/messages/batch" if sent else f"{path}/messages", json=sent or long)
        assert (full.status_code, full.json()["error"]["param"]) == (409, "session_id"), full.text
