"""The numbered acceptance cases of credit, over HTTP against a started server.

Source: spec cases 9.*, 24.3.*, 25.14.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess, run_cli
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

REASON = "Case credit change for testing"
PRICED = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "pong"}], "max_tokens": 16}
UNPRICED = "openai/gpt-4-without-a-price"
HIGH_VALUE = ("gpt-4", "gpt-5", "/o1", "/o3", "/o4", "claude", "gemini")
"""Source: spec 00 §12."""
DEFAULT_PRICE = "0.00002"
_numbers = count()


@dataclass
class Person:
    id: int
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}


class Bank:
    """A gateway that bills by credits."""

    def __init__(self, gateway: GatewayProcess, upstream: StubUpstream, client: httpx.Client) -> None:
        self.gateway, self.upstream, self.client = gateway, upstream, client
        self.admin = self.create("--role", "admin")

    def create(self, *options: str) -> Person:
        email = f"person{next(_numbers)}@example.com"
        done = run_cli("users", "create", email, "--config", str(self.gateway.path), "--json", *options)
        assert done.returncode == 0, done.stderr
        made = msgspec.json.decode(done.stdout)
        return Person(made["user_id"], made["api_key"])

    def post(self, path: str, body: Any, by: Person | None = None, **headers: str) -> httpx.Response:
        who = (by or self.admin).headers
        return self.client.post(path, json=body, headers={**who, **headers})

    def get(self, path: str, by: Person | None = None, **query: Any) -> Any:
        reply = self.client.get(path, params=query, headers=(by or self.admin).headers)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def balance(self, person: Person) -> Any:
        return self.get("/credits/balance", user_id=person.id)

    def add(self, person: Person, amount: Any, by: Person | None = None) -> httpx.Response:
        return self.post("/credits/add", {"user_id": person.id, "amount": amount, "reason": REASON}, by)

    def usage(self, person: Person) -> list[Any]:
        found = self.get("/credits/transactions", user_id=person.id, transaction_type="api_usage")
        transactions: list[Any] = found["transactions"]
        return transactions


@pytest.fixture(scope="module")
def bank_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with stub_upstream() as upstream:
        config = {
            "providers": {
                "openai": {"base_url": upstream.url, "api_key": "sk-up"},
                "openrouter": {"base_url": upstream.url, "api_key": "sk-up"},
                "local": {"enabled": False},
            },
            "billing": {"use": "credits"},
            "models": {UNPRICED: {"offers": {"openai": {}}}},
        }
        folder: Path = tmp_path_factory.mktemp("bank")
        with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            yield Bank(gateway, upstream, client)


@pytest.fixture
def bank(bank_module: Bank) -> Bank:
    bank_module.upstream.recover()
    bank_module.upstream.seen.clear()
    bank_module.client.post("/circuit-breakers/reset-all")
    return bank_module


def test_9_1_1_balance(bank: Bank) -> None:
    person = bank.create("--credits", "3.5", "--allowance", "2")
    shown = bank.balance(person)
    assert (shown["purchased_credits"], shown["subscription_allowance"], shown["total_credits"]) == (3.5, 2.0, 5.5)
    assert shown["user_id"] == person.id
    assert bank.client.get("/credits/balance", headers=person.headers).status_code == 403
    assert bank.client.get("/credits/balance").status_code == 401
    missing = bank.client.get("/credits/balance", params={"user_id": 999999}, headers=bank.admin.headers)
    assert missing.status_code == 404 and missing.json()["error"]["code"] == "USER_NOT_FOUND"


def test_9_1_2_summary(bank: Bank) -> None:
    person = bank.create("--credits", "4")
    shown = bank.get("/credits/summary")["system_summary"]
    assert shown["total_users"] >= 2 and shown["total_credits_in_system"] >= 4
    own = bank.get("/credits/summary", user_id=person.id)
    assert own["current_balance"] == 4.0 and own["summary"]["by_type"]["admin_credit"]["count"] == 1


def test_9_1_3_transactions(bank: Bank) -> None:
    person, by = bank.create(), bank.create("--role", "admin")
    for amount in (1, 2, 3):
        assert bank.add(person, amount, by).status_code == 200
    page = bank.get("/credits/transactions", user_id=person.id, limit=2)
    assert [row["amount"] for row in page["transactions"]] == [3.0, 2.0]
    assert page["pagination"] == {"total": 3, "limit": 2, "offset": 0, "has_more": True}
    assert page["transactions"][0]["balance_before"] == 3.0 and page["transactions"][0]["balance_after"] == 6.0
    assert page["transactions"][0]["created_by"] == f"user:{by.id}"
    rest = bank.get("/credits/transactions", user_id=person.id, min_amount="2", sort_by="amount", sort_order="asc")
    assert [row["amount"] for row in rest["transactions"]] == [2.0, 3.0]
    assert bank.get("/credits/transactions", user_id=person.id, direction="charge")["transactions"] == []
    assert bank.get("/credits/transactions", user_id=person.id, to_date="2025-01-01")["pagination"]["total"] == 0
    wrong = bank.client.get("/credits/transactions", params={"limit": 1001}, headers=bank.admin.headers)
    assert wrong.status_code == 422 and wrong.json()["error"]["param"] == "limit"


def test_9_1_4_add(bank: Bank) -> None:
    person = bank.create()
    shown = bank.add(person, 10.0).json()
    assert shown["new_balance"] - shown["previous_balance"] == 10 == shown["amount_changed"]
    assert bank.balance(person)["purchased_credits"] == 10.0


@pytest.mark.parametrize("amount", ["-1", "0", "1e400", "0.1234567891", '"NaN"', '"Infinity"', '"-Infinity"', "1e99"])
def test_9_1_4_amounts_that_are_none_move_nothing(bank: Bank, amount: str) -> None:
    person = bank.create()
    body = f'{{"user_id": {person.id}, "amount": {amount}, "reason": "{REASON}"}}'
    headers = {**bank.admin.headers, "content-type": "application/json"}
    reply = bank.client.post("/credits/add", content=body, headers=headers)
    assert reply.status_code in (400, 422), reply.text
    if amount != "1e400":  # that is no number of JSON, wherever it stands
        assert reply.json()["error"]["param"] == "amount"
    assert bank.balance(person)["total_credits"] == 0


def test_9_1_4_reason_is_needed(bank: Bank) -> None:
    reply = bank.post("/credits/add", {"user_id": bank.admin.id, "amount": 1, "reason": "short"})
    assert reply.status_code == 422 and reply.json()["error"]["param"] == "reason" and reply.json()["detail"]


def test_9_1_5_adjust(bank: Bank) -> None:
    person = bank.create("--credits", "5")
    shown = bank.post("/credits/adjust", {"user_id": person.id, "amount": -2.5, "reason": REASON}).json()
    assert (shown["previous_balance"], shown["new_balance"], shown["amount_changed"]) == (5.0, 2.5, -2.5)
    below = bank.post("/credits/adjust", {"user_id": person.id, "amount": -2.6, "reason": REASON})
    assert below.status_code == 400 and bank.balance(person)["total_credits"] == 2.5


def test_9_1_6_bulk_add(bank: Bank) -> None:
    one, two = bank.create(), bank.create()
    body = {"user_ids": [one.id, 999_999, two.id], "amount": 1.0, "reason": REASON}
    shown = bank.post("/credits/bulk-add", body).json()
    assert (shown["status"], shown["successful"], shown["failed"], shown["total_users"]) == ("partial", 2, 1, 3)
    assert [row["success"] for row in shown["results"]] == [True, False, True] and shown["results"][1]["error"]
    assert bank.balance(two)["purchased_credits"] == 1.0
    assert bank.post("/credits/bulk-add", {**body, "user_ids": [one.id, one.id]}).status_code == 422


def test_9_1_7_refund(bank: Bank) -> None:
    person = bank.create("--credits", "5")
    shown = bank.post("/credits/refund", {"user_id": person.id, "amount": 1.0, "reason": REASON}).json()
    assert shown["new_balance"] == 6.0
    cost = bank.post("/v1/chat/completions", PRICED, person).json()["gateway_usage"]["cost_usd"]
    (charge,) = bank.usage(person)
    assert charge["amount"] == pytest.approx(-cost)
    body = {"user_id": person.id, "amount": f"{cost:.9f}", "reason": REASON, "original_transaction_id": charge["id"]}
    assert bank.post("/credits/refund", body).status_code == 200
    assert bank.balance(person)["total_credits"] == 6.0
    assert bank.post("/credits/refund", body).status_code == 400
    assert bank.post("/credits/refund", {**body, "user_id": bank.admin.id}).status_code == 404


def test_3_1_6_a_completion_takes_its_price_and_nothing_more(bank: Bank) -> None:
    person = bank.create("--credits", "5")
    answer = bank.post("/v1/chat/completions", PRICED, person).json()
    prices = {model["id"]: model["pricing"] for model in bank.get("/v1/models", limit=1000)["data"]}[PRICED["model"]]
    used = answer["usage"]
    cost = Decimal(prices["prompt"]) * used["prompt_tokens"] + Decimal(prices["completion"]) * used["completion_tokens"]
    assert cost > 0 and answer["gateway_usage"]["cost_usd"] == float(cost)
    assert bank.get("/user/balance", person)["total_credits"] == pytest.approx(float(5 - cost), abs=1e-9)
    shown = bank.balance(person)
    assert shown["held_credits"] == 0 and shown["purchased_credits"] == pytest.approx(float(5 - cost), abs=1e-9)
    (charge,) = bank.usage(person)
    assert -charge["amount"] == pytest.approx(float(cost), abs=1e-9)


def test_25_13_no_price_no_call(bank: Bank) -> None:
    catalog = {model["id"]: model for model in bank.get("/v1/models", limit=1000)["data"]}
    dear = [id for id in catalog if any(word in id for word in HIGH_VALUE) and not id.endswith(":free")]
    assert len(dear) > 10
    for id in dear:
        pricing = catalog[id]["pricing"]
        assert Decimal(pricing["prompt"]) > 0 and pricing["completion"] is not None, id
        assert (pricing["prompt"], pricing["completion"]) != (DEFAULT_PRICE, DEFAULT_PRICE), id
    assert UNPRICED not in catalog
    person = bank.create("--credits", "5")
    reply = bank.post("/v1/chat/completions", {**PRICED, "model": UNPRICED}, person)
    error = reply.json()["error"]
    assert reply.status_code == 422 and error["code"] == "model_pricing_missing" and error["type"]
    assert bank.upstream.seen == [] and bank.balance(person)["total_credits"] == 5.0


def test_3_1_7_and_9_2_1_no_credit_no_call(bank: Bank) -> None:
    person = bank.create("--credits", "5")
    assert bank.post("/credits/adjust", {"user_id": person.id, "amount": -5, "reason": REASON}).status_code == 200
    reply = bank.post("/v1/chat/completions", PRICED, person)
    assert reply.status_code == 402 and reply.json()["error"]["gateway_code"] == "INSUFFICIENT_CREDITS"
    assert bank.upstream.seen == [] and bank.usage(person) == []


def test_9_2_2_one_deduction_for_one_request_id(bank: Bank) -> None:
    person = bank.create("--credits", "5")
    first = bank.post("/v1/chat/completions", PRICED, person, **{"x-request-id": "req_case_9_2_2"})
    bank.post("/v1/chat/completions", PRICED, person, **{"x-request-id": "req_case_9_2_2"})
    assert first.status_code == 200
    (charge,) = bank.usage(person)
    assert charge["metadata"]["request_id"] == "req_case_9_2_2"
    assert bank.balance(person)["total_credits"] == pytest.approx(5 - first.json()["gateway_usage"]["cost_usd"])


def test_9_2_3_allowance_first(bank: Bank) -> None:
    person = bank.create("--credits", "5", "--allowance", "5")
    cost = bank.post("/v1/chat/completions", PRICED, person).json()["gateway_usage"]["cost_usd"]
    shown = bank.balance(person)
    assert cost > 0 and shown["purchased_credits"] == 5.0
    assert shown["subscription_allowance"] == pytest.approx(5 - cost, abs=1e-9)


def test_25_14_allowance_to_its_end_then_purchased(bank: Bank) -> None:
    probe = bank.create("--credits", "1")
    cost = bank.post("/v1/chat/completions", PRICED, probe).json()["gateway_usage"]["cost_usd"]
    person = bank.create("--credits", "5", "--allowance", f"{cost * 1.5:.9f}")
    for _ in range(3):
        assert bank.post("/v1/chat/completions", PRICED, person).status_code == 200
    shown = bank.balance(person)
    assert shown["subscription_allowance"] == 0
    assert shown["purchased_credits"] == pytest.approx(5 - 1.5 * cost, abs=2e-9)


def test_9_2_4_failures_are_free(bank: Bank) -> None:
    person = bank.create("--credits", "5")
    bank.upstream.fail(500)
    assert bank.post("/v1/chat/completions", PRICED, person).status_code in (502, 503)
    assert bank.balance(person)["total_credits"] == 5.0 and bank.balance(person)["held_credits"] == 0


def test_24_3_1_add_by_key(bank: Bank) -> None:
    person = bank.create()
    body = {"api_key": person.key, "credits": 5, "reason": REASON}
    shown = bank.post("/admin/add_credits", body).json()
    assert (shown["status"], shown["new_balance"], shown["user_id"]) == ("success", 5.0, person.id)
    assert bank.post("/admin/add_credits", {**body, "api_key": "gw_live_nobody"}).status_code == 404
    assert bank.post("/admin/add_credits", {**body, "credits": -5}).status_code == 400
    assert bank.post("/admin/add_credits", body, person).status_code == 403


def test_24_3_2_caps_hold_for_parallel_calls(bank: Bank) -> None:
    person, by = bank.create(), bank.create("--role", "admin")
    assert (
        bank.post("/admin/add_credits", {"api_key": person.key, "credits": 1000.01, "reason": REASON}, by).status_code
        == 400
    )

    def give(_: int) -> int:
        return bank.post(
            "/admin/add_credits", {"api_key": person.key, "credits": 1000, "reason": REASON}, by
        ).status_code

    with ThreadPoolExecutor(12) as threads:
        assert sorted(threads.map(give, range(12))) == [200] * 5 + [400] * 7
    assert bank.balance(person)["total_credits"] == 5000.0


def test_24_3_3_all_transactions(bank: Bank) -> None:
    person = bank.create("--credits", "2")
    shown = bank.get("/admin/credit-transactions", user_id=person.id, include_summary="true")
    assert shown["pagination"]["total"] == 1 and shown["summary"]["total_credits_added"] == 2.0
