"""The numbered acceptance cases of notifications (23.1 to 23.3), against a started server and a real SMTP server."""

import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any, TypeVar

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.mail_server import MailServer, mail_server

T = TypeVar("T")
BASE: dict[str, Any] = {
    "plugins": ["providers.*", "routers.*", "billing.*", "mail.*"],
    "billing": {"use": "credits"},
    "providers": {"echo": {"use": "echo"}, "local": {"enabled": False}},
    "models": {"test/echo": {"price": {"input": "1000", "output": "1000"}, "offers": {"echo": {}}}},
    "usage_log": {"flush_s": 0.05},
    "notifications": {"check_s": 0.2},
}
PREFERENCES = "/user/notifications/preferences"
CLIENTS: list[httpx.Client] = []


@pytest.fixture(autouse=True)
def closed_clients() -> Iterator[None]:
    yield
    while CLIENTS:
        CLIENTS.pop().close()


class Person:
    """A user with a client."""

    def __init__(self, gateway: GatewayProcess, email: str, *options: str) -> None:
        made = gateway.add_user(email, *options)
        self.id, self.email = made["user_id"], email
        headers = {"authorization": f"Bearer {made['api_key']}"}
        self.client = httpx.Client(base_url=gateway.base, timeout=30, headers=headers)
        CLIENTS.append(self.client)

    def chat(self) -> None:
        sent = {"model": "test/echo", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 8}
        answer = self.client.post("/v1/chat/completions", json=sent)
        assert answer.status_code == 200, answer.text

    def post(self, path: str, **query: str) -> httpx.Response:
        return self.client.post(f"/user/notifications/{path}", params=query)


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, server: MailServer) -> Iterator[GatewayProcess]:
    mail = {
        "use": "smtp",
        "host": "127.0.0.1",
        "port": server.port,
        "encryption": "none",
        "sender": "Gatewayz <no-reply@example.com>",
    }
    with GatewayProcess(tmp_path_factory.mktemp("smtp"), {**BASE, "mail": mail}) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def outbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    quiet = {"mail": {"use": "outbox"}, "notifications": {"enabled": False}}
    with GatewayProcess(tmp_path_factory.mktemp("outbox"), {**BASE, **quiet}) as gateway:
        yield gateway


def eventually(look: Callable[[], list[T]], count: int = 1) -> list[T]:
    until = time.monotonic() + 30
    while len(found := look()) < count and time.monotonic() < until:
        time.sleep(0.05)
    return found


def mails(server: MailServer, person: Person, subject: str = "") -> list[EmailMessage]:
    return [mail for mail in server.taken if mail["to"] == person.email and subject in mail["subject"]]


def monitored(person: Person) -> dict[str, Any]:
    shown: dict[str, Any] = person.client.get("/user/monitor").json()["usage_metrics"]
    return shown


def test_23_1_preferences_are_made_at_the_first_look(gateway: GatewayProcess) -> None:
    person = Person(gateway, "prefs@example.com")
    shown = person.client.get(PREFERENCES).json()
    made = {name: shown.pop(name) for name in ("created_at", "updated_at")}
    assert shown == {
        "user_id": person.id,
        "email_notifications": True,
        "low_balance_threshold": 10.0,
        "trial_expiry_reminder_days": 1,
        "plan_expiry_reminder_days": 7,
        "usage_alerts": True,
        "webhook_url": None,
        "webhook_secret": None,
    }
    assert made["created_at"] == made["updated_at"] == person.client.get(PREFERENCES).json()["created_at"]


def test_preferences_change_one_by_one(gateway: GatewayProcess) -> None:
    person, other = Person(gateway, "change@example.com"), Person(gateway, "untouched@example.com")
    answer = person.client.put(PREFERENCES, json={"low_balance_threshold": 2.5, "usage_alerts": False})
    assert answer.status_code == 200 and answer.json()["status"] == "success"
    kept = person.client.get(PREFERENCES).json()
    assert kept == answer.json()["preferences"]
    assert (kept["low_balance_threshold"], kept["usage_alerts"], kept["email_notifications"]) == (2.5, False, True)
    assert other.client.get(PREFERENCES).json()["low_balance_threshold"] == 10.0


@pytest.mark.parametrize(
    "body",
    [
        {"low_balance_threshold": -1},
        {"trial_expiry_reminder_days": 31},
        {"usage_alerts": "yes"},
        {"webhook_url": ""},
        {"webhook_secret": "of my own"},
    ],
)
def test_preferences_that_do_not_fit(gateway: GatewayProcess, body: dict[str, Any]) -> None:
    with httpx.Client(base_url=gateway.base) as nobody:
        assert nobody.put(PREFERENCES, json=body).status_code == 401
    answer = Person(gateway, f"bad-{next(iter(body))}@example.com").client.put(PREFERENCES, json=body)
    assert answer.status_code == 422 and next(iter(body)) in answer.json()["error"]["message"]


def test_23_2_the_report_has_true_figures(gateway: GatewayProcess, server: MailServer) -> None:
    person = Person(gateway, "report@example.com", "--credits", "50")
    person.chat()
    person.chat()
    month = time.strftime("%Y-%m", time.gmtime())
    spent = eventually(
        lambda: [b for b in [person.client.get("/user/monitor").json()] if b["usage_metrics"]["total_requests"] == 2]
    )
    usage = spent[0]["usage_metrics"]
    answer = person.post("send-usage-report", month=month)
    assert answer.status_code == 200, answer.text
    assert {**answer.json(), "message": ""} == {"success": True, "message": "", "month": month, "delivered": True}
    [mail] = mails(server, person, f"Your usage in {month}")
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert f"2 requests with {usage['total_tokens']} tokens cost $" in text
    assert f"test/echo: 2 requests, {usage['total_tokens']} tokens" in text
    assert f"${usage['total_cost']:.4f}" in text or f"${usage['total_cost']:.2f}" in text
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "test/echo: 2 requests" in html and "<h1" in html
    last = person.post("send-usage-report").json()
    assert last["month"] < month and "There were no requests" in str(mails(server, person, last["month"])[0])


def test_23_2_months(gateway: GatewayProcess) -> None:
    person = Person(gateway, "months@example.com")
    assert person.post("send-usage-report", month="2026-13").status_code == 422
    future = person.post("send-usage-report", month="2099-01")
    assert (future.status_code, future.json()["error"]["param"]) == (400, "month")


def test_23_3_a_test_arrives_marked(gateway: GatewayProcess, server: MailServer) -> None:
    person = Person(gateway, "testing@example.com", "--credits", "12.5")
    shown = person.post("test").json()
    assert (shown["status"], shown["delivered"]) == ("success", True) and "low_balance" in shown["message"]
    [mail] = mails(server, person)
    assert mail["subject"] == "[Test] Your credit is running low" and mail["from"] == "Gatewayz <no-reply@example.com>"
    assert "Your balance is $12.50. You asked to be told at $10.00." in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    unknown = person.post("test", notification_type="fortune")
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (400, "notification_type")


def test_23_3_every_kind_can_be_tested(outbox: GatewayProcess) -> None:
    person = Person(outbox, "kinds@example.com")
    message = person.post("test", notification_type="fortune").json()["error"]["message"]
    kinds = message.removeprefix("notification_type is one of ").rstrip(".").split(", ")
    assert len(kinds) == 14
    for kind in kinds:
        assert person.post("test", notification_type=kind).json()["status"] == "success", kind
    kept = [msgspec.json.decode(file.read_bytes()) for file in (outbox.folder / "var/plugins/mail/mail").iterdir()]
    assert len({mail["subject"] for mail in kept}) == 14 and all("<html" in mail["html"] for mail in kept)


def test_what_is_only_kept_is_not_called_delivered(outbox: GatewayProcess) -> None:
    shown = Person(outbox, "kept@example.com").post("send-usage-report").json()
    assert (shown["success"], shown["delivered"]) == (True, False)
    assert "no mail service is configured" in shown["message"]


def test_a_server_that_refuses_is_told(gateway: GatewayProcess, server: MailServer) -> None:
    person = Person(gateway, "refused@example.com")
    server.refusal = "554 5.7.1 we know user secret-detail"
    try:
        shown = person.post("test")
        report = person.post("send-usage-report")
    finally:
        server.refusal = ""
    assert (shown.status_code, shown.json()["status"], shown.json()["delivered"]) == (200, "failed", False)
    assert (report.status_code, report.json()["success"], report.json()["delivered"]) == (200, False, False)
    assert "secret-detail" not in shown.text + report.text


def test_a_low_balance_is_told_once_to_who_spends(gateway: GatewayProcess, server: MailServer) -> None:
    spender = Person(gateway, "spender@example.com", "--credits", "5")
    idle = Person(gateway, "idle@example.com", "--credits", "5")
    silent = Person(gateway, "silent@example.com", "--credits", "5")
    rich = Person(gateway, "rich@example.com", "--credits", "500")
    silent.client.put(PREFERENCES, json={"email_notifications": False})
    for person in (silent, rich, spender):
        person.chat()
    [mail] = eventually(lambda: mails(server, spender))
    assert mail["subject"] == "Your credit is running low"
    later = Person(gateway, "later@example.com", "--credits", "5")
    later.chat()
    eventually(lambda: mails(server, later))  # at least one whole round after the first one
    assert len(mails(server, spender)) == 1
    assert not mails(server, idle) and not mails(server, silent) and not mails(server, rich)


def test_a_message_that_was_refused_is_tried_again(gateway: GatewayProcess, server: MailServer) -> None:
    server.refusal = "451 4.3.0 try again later"
    person = Person(gateway, "again@example.com", "--credits", "5")
    person.chat()
    refused = eventually(lambda: [line for line in gateway.log if f"user {person.id} was not told" in line])
    assert refused and not mails(server, person)
    server.refusal = ""
    assert len(eventually(lambda: mails(server, person))) == 1


def test_a_trial_that_ends_is_told_as_early_as_wanted(gateway: GatewayProcess, server: MailServer) -> None:
    soon = Person(gateway, "soon@example.com", "--trial-days", "2")
    soon.client.put(PREFERENCES, json={"trial_expiry_reminder_days": 3})
    far = Person(gateway, "far@example.com", "--trial-days", "2")
    [mail] = eventually(lambda: mails(server, soon))
    assert mail["subject"] == "Your trial ends soon"
    assert not mails(server, far)
    far.client.put(PREFERENCES, json={"trial_expiry_reminder_days": 2})
    assert len(eventually(lambda: mails(server, far))) == 1 and len(mails(server, soon)) == 1
