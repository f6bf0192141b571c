"""Section 16 over HTTP: events are kept, nobody waits for them, and a lost database stops nobody."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.databases import postgres_url
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.outages import without_database

pytestmark = pytest.mark.xdist_group("analytics")
SOON_S = 10.0
EVENTS, BATCH, SESSION = (f"/v1/analytics/{name}" for name in ("events", "batch", "session/start"))


class Place(NamedTuple):
    client: httpx.Client
    url: str
    user: dict[str, Any]
    admin: dict[str, str]

    def post(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        answer = self.client.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def kept(self, count: int, **query: Any) -> list[dict[str, Any]]:
        """Return events once so many of them are there."""
        end, found = time.monotonic() + SOON_S, []
        while time.monotonic() < end:
            answer = self.client.get("/admin/analytics/events", params=query, headers=self.admin)
            assert answer.status_code == 200, answer.text
            found = answer.json()["events"]
            if len(found) >= count:
                break
            time.sleep(0.1)
        assert len(found) == count
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    url = postgres_url()
    config: dict[str, Any] = {
        "providers": {"local": {"enabled": False}},
        "store": {"url": url},
        "analytics": {"flush_s": 0.1, "max_pending": 600},
    }
    folder = tmp_path_factory.mktemp("analytics")
    with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
        user = gateway.add_user("user@example.com")
        admin = gateway.add_user("admin@example.com", "--role", "admin")
        yield Place(client, url, user, {"authorization": f"Bearer {admin['api_key']}"})


def test_16_1_an_event_is_kept_as_it_came(place: Place) -> None:
    body = {"event_name": "one", "user_id": "someone", "value": "1", "metadata": {"source": "case", "n": [1, None]}}
    answer = place.post(EVENTS, body, authorization=f"Bearer {place.user['api_key']}")
    assert answer == {"success": True, "message": "1 event was taken.", "accepted": 1}
    (kept,) = place.kept(1, event_name="one")
    assert kept["user_id"] == place.user["user_id"] and kept["claimed_user"] == "someone"
    assert (kept["value"], kept["metadata"], kept["session_id"]) == ("1", body["metadata"], None)


def test_16_2_a_batch_is_an_array_or_an_object(place: Place) -> None:
    events = [{"event_name": "many", "metadata": {"n": number}} for number in range(300)]
    assert place.post(BATCH, events)["accepted"] == 300
    assert place.post(BATCH, {"events": [{"event_name": "many", "value": 2.5}]})["accepted"] == 1
    kept = place.kept(301, event_name="many", limit=1000)
    assert kept[0]["value"] == 2.5 and [each["metadata"]["n"] for each in kept[:0:-1]] == list(range(300))
    assert {each["user_id"] for each in kept} == {None}


def test_16_3_a_session_has_an_id_that_events_carry(place: Place) -> None:
    answer = place.post(SESSION, {"platform": "ios", "metadata": {"page": "/chat"}})
    session_id = answer["session_id"]
    assert answer["success"] and session_id != place.post(SESSION, {})["session_id"]
    place.post(EVENTS, {"event_name": "click", "session_id": session_id})
    click, start = place.kept(2, session_id=session_id)
    assert (click["event_name"], start["event_name"]) == ("click", "session_start")
    assert start["metadata"] == {"page": "/chat", "platform": "ios"}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (EVENTS, {}, "event_name"),
        (EVENTS, {"event_name": ""}, "event_name"),
        (EVENTS, {"event_name": "x\u0000y"}, "event_name"),
        (EVENTS, {"event_name": "x", "metadata": "no"}, "metadata"),
        (EVENTS, {"event_name": "x", "metadata": {"long": "x" * 5000}}, "[0].metadata"),
        (BATCH, [{"event_name": "x"}, {"value": 1}], "[1].event_name"),
        (BATCH, [{"event_name": "x"}] * 501, "body"),
        (BATCH, "x", "body"),
        (SESSION, {"platform": 3}, "platform"),
    ],
)
def test_malformed_events_are_422_and_none_of_them_is_kept(place: Place, path: str, body: Any, param: str) -> None:
    answer = place.client.post(path, json=body)
    assert answer.status_code == 422 and answer.json()["error"]["param"] == param, answer.text
    assert place.kept(0, event_name="x") == []


def test_a_wrong_key_is_401_and_reading_is_for_administrators(place: Place) -> None:
    wrong = {"authorization": "Bearer gw_live_" + "7" * 43}
    assert place.client.post(EVENTS, json={"event_name": "x"}, headers=wrong).status_code == 401
    user = {"authorization": f"Bearer {place.user['api_key']}"}
    assert place.client.get("/admin/analytics/events").status_code == 401
    assert place.client.get("/admin/analytics/events", headers=user).status_code == 403


def test_16_1_is_answered_without_a_database_and_kept_when_it_is_back(place: Place) -> None:
    key = f"Bearer {place.user['api_key']}"
    place.post(EVENTS, {"event_name": "before"}, authorization=key)
    with without_database(place.url):
        for number in range(5):
            assert place.post(EVENTS, {"event_name": "outage", "value": number})["success"]
        assert place.post(EVENTS, {"event_name": "outage", "value": 5}, authorization=key)["success"]
        assert place.post(SESSION, {})["session_id"]
        for _ in range(3):
            full = place.post(BATCH, [{"event_name": "flood"}] * 400)
        assert full["success"] is False and "too many are waiting" in full["message"]
    kept = place.kept(6, event_name="outage")
    assert [each["value"] for each in kept] == [5, 4, 3, 2, 1, 0]
    told = place.client.get("/admin/analytics/events", headers=place.admin).json()["queue"]
    assert told["dropped"] >= 1200 - 2 * 600


def test_16_4_and_16_5_say_that_there_is_no_cache(place: Place) -> None:
    report = place.client.get("/v1/analytics/cache", params={"days": 7}).json()
    summary = place.client.get("/v1/analytics/cache/summary").json()
    assert report["period_days"] == 7 and report["start_date"] < report["end_date"]
    for shown in (report, summary):
        assert shown["system_enabled"] is False and "switched off" in shown["message"]
        assert shown["cache_hits"] == shown["cache_misses"] == shown["total_savings_usd"] == 0
    for days in (0, 91, "x"):
        assert place.client.get("/v1/analytics/cache", params={"days": days}).status_code == 422
