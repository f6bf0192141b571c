"""Customers' webhooks against a started server and a real receiver: signed, retried, logged, kept over a kill."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.webhook_receiver import WebhookReceiver, verifies, webhook_receiver

ADMIN = "the admin key of the environment"
RULES = {"allow_http": True, "allowed_networks": ["127.0.0.0/8"], "poll_s": 0.1, "check_s": 0.2, "retry_s": 0.1}
BASE: dict[str, Any] = {
    "plugins": ["providers.*", "routers.*", "billing.*", "mail.*"],
    "billing": {"use": "credits"},
    "access": {"admin_api_key": ADMIN},
    "providers": {"echo": {"use": "echo"}, "local": {"enabled": False}},
    "models": {"test/echo": {"price": {"input": "1000", "output": "1000"}, "offers": {"echo": {}}}},
    "usage_log": {"flush_s": 0.05},
    "webhooks": RULES,
}
HOOKS = "/user/webhooks"
CLIENTS: list[httpx.Client] = []


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    while CLIENTS:
        CLIENTS.pop().close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("webhooks"), BASE) as gateway:
        yield gateway


class Person:
    """A user with a client, and a webhook at a path of their own."""

    def __init__(self, gateway: GatewayProcess, name: str, *options: str) -> None:
        made = gateway.add_user(f"{name}@example.com", *options)
        self.id, self.path = made["user_id"], f"/{name}"
        headers = {"authorization": f"Bearer {made['api_key']}"}
        self.client = httpx.Client(base_url=gateway.base, timeout=30, headers=headers)
        CLIENTS.append(self.client)

    def listen(self, receiver: WebhookReceiver, *events: str) -> dict[str, Any]:
        answer = self.client.post(HOOKS, json={"url": receiver.url + self.path, "events": events or ["*"]})
        assert answer.status_code == 201, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def deliveries(self, hook: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        answer = self.client.get(f"{HOOKS}/{hook['id']}/deliveries", params=query)
        listed: list[dict[str, Any]] = answer.json()["data"]
        return listed

    def chat(self) -> httpx.Response:
        sent = {"model": "test/echo", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8}
        return self.client.post("/v1/chat/completions", json=sent)


def add_credit(gateway: GatewayProcess, person: Person, dollars: int) -> None:
    body = {"user_id": person.id, "credits": dollars, "reason": "credit of a test"}
    with httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {ADMIN}"}) as admin:
        answer = admin.post("/admin/add_credits", json=body)
        assert answer.status_code == 200, answer.text


def test_added_credit_arrives_signed(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person, other = Person(gateway, "added"), Person(gateway, "bystander")
    hook, deaf = person.listen(receiver, "credits.added"), other.listen(receiver)
    add_credit(gateway, person, 20)
    [told] = receiver.wait(lambda: receiver.of(person.path))
    assert verifies(told, hook["secret"]) and not verifies(told, deaf["secret"])
    assert told.headers["content-type"] == "application/json"
    event = told.event
    assert (event["id"], event["type"]) == (told.id, "credits.added")
    assert (event["data"]["amount"], event["data"]["balance"]) == (20.0, 20.0)
    [logged] = receiver.wait(lambda: person.deliveries(hook, state="delivered"))
    assert (logged["status"], logged["attempts"], logged["response_status"]) == ("delivered", 1, 204)
    assert logged["duration_ms"] >= 0 and logged["payload"] == event and logged["next_attempt_at"] is None
    assert not receiver.of(other.path)
    assert "secret" not in person.client.get(f"{HOOKS}/{hook['id']}").json()


def test_a_low_balance_and_an_empty_one(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "low", "--credits", "5")
    person.listen(receiver, "credits.low", "credits.depleted")
    assert person.chat().status_code == 200
    [told] = receiver.wait(lambda: receiver.of(person.path))
    assert told.event["type"] == "credits.low" and told.event["data"]["threshold"] == 10.0
    assert 0 < told.event["data"]["balance"] < 5
    left = person.client.get("/user/balance").json()["credits"]
    taken = {"user_id": person.id, "amount": -left, "reason": "all that a test has left"}
    with httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {ADMIN}"}) as admin:
        assert admin.post("/credits/adjust", json=taken).status_code == 200
    _, empty = receiver.wait(lambda: len(receiver.of(person.path)) == 2 and receiver.of(person.path))
    assert empty.event["type"] == "credits.depleted" and empty.event["data"]["balance"] <= 0


def test_a_receiver_that_fails_and_recovers(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "recovers")
    hook = person.listen(receiver, "credits.added")
    receiver.status = 503
    try:
        add_credit(gateway, person, 1)
        assert receiver.wait(lambda: len(receiver.of(person.path)) >= 2)
        [waiting] = person.deliveries(hook)
        assert (waiting["status"], waiting["response_status"]) == ("waiting", 503)
        assert waiting["error"] == "answered 503" and waiting["next_attempt_at"]
        assert person.client.get(f"{HOOKS}/{hook['id']}").json()["failing_since"]
    finally:
        receiver.status = 204
    assert receiver.wait(lambda: person.deliveries(hook, state="delivered"))
    tries = receiver.of(person.path)
    assert len({each.id for each in tries}) == 1 and all(verifies(each, hook["secret"]) for each in tries)
    assert [each.status for each in tries][-1] == 204
    assert person.client.get(f"{HOOKS}/{hook['id']}").json()["failing_since"] is None


def test_a_receiver_that_is_gone_is_switched_off(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "gone")
    hook = person.listen(receiver)
    receiver.status = 410
    try:
        assert person.client.post(f"{HOOKS}/{hook['id']}/test").status_code == 202
        assert receiver.wait(lambda: person.deliveries(hook, state="failed"))
    finally:
        receiver.status = 204
    shown = person.client.get(f"{HOOKS}/{hook['id']}").json()
    assert (shown["is_active"], shown["disabled_reason"]) == (False, "gone")
    add_credit(gateway, person, 1)
    assert len(person.deliveries(hook)) == 1
    on = person.client.patch(f"{HOOKS}/{hook['id']}", json={"is_active": True}).json()
    assert (on["is_active"], on["disabled_reason"]) == (True, None)


def test_a_test_is_delivered_and_delivered_again(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "again")
    hook = person.listen(receiver, "credits.low")
    sent = person.client.post(f"{HOOKS}/{hook['id']}/test")
    assert (sent.status_code, sent.json()["type"], sent.json()["status"]) == (202, "webhook.ping", "waiting")
    assert receiver.wait(lambda: person.deliveries(hook, state="delivered"))
    path = f"{HOOKS}/{hook['id']}/deliveries/{sent.json()['id']}/redeliver"
    assert person.client.post(path).status_code == 202
    first, second = receiver.wait(lambda: len(receiver.of(person.path)) == 2 and receiver.of(person.path))
    assert first.id == second.id and verifies(second, hook["secret"])


def test_after_a_rotation_both_secrets_verify(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "rotates")
    hook = person.listen(receiver)
    rotated = person.client.post(f"{HOOKS}/{hook['id']}/rotate-secret").json()
    assert rotated["secret"] != hook["secret"]
    person.client.post(f"{HOOKS}/{hook['id']}/test")
    [told] = receiver.wait(lambda: receiver.of(person.path))
    assert verifies(told, rotated["secret"]) and verifies(told, hook["secret"])


def test_the_url_of_the_preferences(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "preferred")
    path = "/user/notifications/preferences"
    kept = person.client.put(path, json={"webhook_url": receiver.url + person.path}).json()
    assert kept["preferences"]["webhook_url"] == receiver.url + person.path
    assert kept["preferences"]["webhook_secret"] == "whsec_…" and kept["webhook_secret"].startswith("whsec_")
    add_credit(gateway, person, 3)
    [told] = receiver.wait(lambda: receiver.of(person.path))
    assert verifies(told, kept["webhook_secret"])
    moved = person.client.put(path, json={"webhook_url": receiver.url + "/elsewhere"}).json()
    assert "webhook_secret" not in moved and len(person.client.get(HOOKS).json()["data"]) == 1
    gone = person.client.put(path, json={"webhook_url": None}).json()["preferences"]
    assert (gone["webhook_url"], gone["webhook_secret"]) == (None, None)
    refused = person.client.put(path, json={"webhook_url": "https://169.254.169.254/latest"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "webhook_url")


def test_changes_of_preferences_are_limited(tmp_path: Path) -> None:
    limits = {"enabled": True, "endpoints": {"webhooks": {"requests": 2, "window_s": 60, "scope": "user"}}}
    with GatewayProcess(tmp_path, {**BASE, "limits": limits}) as gateway:
        person = Person(gateway, "changes-often")
        path, body = "/user/notifications/preferences", {"webhook_url": "https://127.0.0.1/"}
        assert [person.client.put(path, json=body).status_code for _ in range(3)] == [200, 200, 429]


def test_where_nothing_is_delivered_no_limits_are_looked_at_and_deliveries_are_forgotten(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    def limits_noted(folder: str, **rules: object) -> bool:
        limits = {"enabled": True, "default": {"requests_per_minute": 5, "burst": 100}}
        silent = {**BASE, "limits": limits, "webhooks": {**RULES, **rules}}
        (tmp_path / folder).mkdir()
        with GatewayProcess(tmp_path / folder, silent) as gateway:
            person = Person(gateway, "unheard", "--credits", "500")
            hook = person.listen(receiver, "rate_limit.approaching")
            time.sleep(0.6)
            for _ in range(5):
                assert person.chat().status_code == 200
            time.sleep(0.6)
            return bool(person.deliveries(hook))

    assert limits_noted("on") and not limits_noted("off", enabled=False)


def test_bodies_that_do_not_fit(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "misfits")
    for body in ({}, {"url": ""}, {"url": receiver.url, "events": ["credits.gone"]}, {"url": receiver.url, "x": 1}):
        assert person.client.post(HOOKS, json=body).status_code == 422, body
    hook = person.listen(receiver)
    assert person.client.patch(f"{HOOKS}/{hook['id']}", json={}).status_code == 400
    assert person.client.get(f"{HOOKS}/{hook['id']}/deliveries", params={"state": "lost"}).status_code == 422
    stranger = Person(gateway, "stranger")
    assert stranger.client.get(f"{HOOKS}/{hook['id']}").status_code == 404
    assert stranger.client.delete(f"{HOOKS}/{hook['id']}").status_code == 404
    assert person.client.delete(f"{HOOKS}/{hook['id']}").status_code == 200
    assert person.client.get(HOOKS).json()["data"] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.0.0.7/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[fe80::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[64:ff9b::a00:1]/x",
        "https://0.0.0.0/x",
        "https://user:word@hooks.example/x",
        "ftp://hooks.example/x",
        "file:///etc/passwd",
        "not a url",
    ],
)
def test_urls_that_lead_inside_are_refused(strict: GatewayProcess, url: str) -> None:
    with httpx.Client(base_url=strict.base, headers={"authorization": f"Bearer {strict.key}"}) as client:  # type: ignore[attr-defined]
        answer = client.post(HOOKS, json={"url": url})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "url"), answer.text
    assert answer.json()["error"]["code"] == "URL_NOT_ALLOWED"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway as shipped: https, and public addresses only."""
    unlimited = {"limits": {"endpoints": {"webhooks": {"requests": 1000, "window_s": 60, "scope": "user"}}}}
    config = {**BASE, **unlimited, "webhooks": {}}
    with GatewayProcess(tmp_path_factory.mktemp("strict"), config) as gateway:
        gateway.key = gateway.add_user("inside@example.com")["api_key"]  # type: ignore[attr-defined]
        yield gateway


def test_a_redirect_is_not_followed(gateway: GatewayProcess, receiver: WebhookReceiver) -> None:
    person = Person(gateway, "redirected")
    hook = person.listen(receiver)
    receiver.status, receiver.headers = 307, {"location": receiver.url + "/inside"}
    try:
        person.client.post(f"{HOOKS}/{hook['id']}/test")
        assert receiver.wait(lambda: person.deliveries(hook)[0]["attempts"])
    finally:
        receiver.status, receiver.headers = 204, {}
    assert not receiver.of("/inside")
    assert receiver.wait(lambda: person.deliveries(hook, state="delivered"))


def test_an_allowed_name_that_moves_inside_is_not_reached(tmp_path: Path, receiver: WebhookReceiver) -> None:
    """The guard is asked again at every delivery: here the networks allowed before are taken away."""
    with GatewayProcess(tmp_path, BASE) as gateway:
        person = Person(gateway, "moves")
        hook = person.listen(receiver)
        person.client.close()
        key = person.client.headers["authorization"]
    with GatewayProcess(tmp_path, {**BASE, "webhooks": {**RULES, "allowed_networks": []}}) as gateway:
        client = httpx.Client(base_url=gateway.base, headers={"authorization": key})
        CLIENTS.append(client)
        client.post(f"{HOOKS}/{hook['id']}/test")
        path = f"{HOOKS}/{hook['id']}/deliveries"
        [tried] = receiver.wait(lambda: [each for each in client.get(path).json()["data"] if each["attempts"]])
    assert tried["error"] == "the URL leads to an address that is not public" and tried["response_status"] is None
    assert not receiver.of(person.path)


def test_what_was_written_is_delivered_after_a_kill(tmp_path: Path, receiver: WebhookReceiver) -> None:
    silent = {**BASE, "webhooks": {**RULES, "enabled": False}}  # writes events, delivers nothing
    first = GatewayProcess(tmp_path, silent)
    first.start()
    person = Person(first, "killed")
    hook = person.listen(receiver)
    add_credit(first, person, 7)
    [written] = person.deliveries(hook)
    first.stop(signal.SIGKILL)
    assert not receiver.of(person.path)
    with GatewayProcess(tmp_path, BASE):
        [told] = receiver.wait(lambda: receiver.of(person.path))
    assert told.id == written["event_id"] and verifies(told, hook["secret"])


def test_a_kill_during_a_delivery_leaves_it_to_the_next(tmp_path: Path, receiver: WebhookReceiver) -> None:
    failing = {**BASE, "webhooks": {**RULES, "retry_s": 1.0}}
    first = GatewayProcess(tmp_path, failing)
    first.start()
    person = Person(first, "cut-off")
    hook = person.listen(receiver)
    receiver.status = 500
    try:
        add_credit(first, person, 7)
        assert receiver.wait(lambda: receiver.of(person.path))
        first.stop(signal.SIGKILL)
    finally:
        receiver.status = 204
    with GatewayProcess(tmp_path, failing):
        told = receiver.wait(lambda: [each for each in receiver.of(person.path) if each.status == 204], within_s=90)
    assert {each.id for each in receiver.of(person.path)} == {told[0].id} and verifies(told[0], hook["secret"])


def test_a_limit_that_is_nearly_used_up(tmp_path: Path, receiver: WebhookReceiver) -> None:
    limits = {"enabled": True, "default": {"requests_per_minute": 50, "burst": 100}}
    with GatewayProcess(tmp_path, {**BASE, "limits": limits}) as gateway:
        person = Person(gateway, "limited", "--credits", "500")
        person.listen(receiver, "rate_limit.approaching")
        for _ in range(50):
            assert person.chat().status_code == 200
        told = receiver.wait(lambda: receiver.of(person.path))
    [event] = [each.event for each in told if each.event["data"]["limit_type"] == "requests_per_minute"]
    assert event["type"] == "rate_limit.approaching"
    data = event["data"]
    # The first calls may be made before the process has read who listens.
    assert data["limit"] == 50 and data["used"] >= 40 and data["used"] + data["remaining"] == 50
