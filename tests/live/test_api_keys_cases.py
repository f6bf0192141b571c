"""Cases 8.3.1 to 8.3.7 and 25.17, and that keys of one user are nobody else's business."""

import hmac
import re
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.fernet import Fernet

from tests.fakes.gateway_process import GatewayProcess, run_cli

SHAPE = re.compile(r"gw_(live|test|staging|dev)_[A-Za-z0-9_-]{43}")
CLIENTS: list[httpx.Client] = []


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = {"providers": {"echo": {"use": "echo"}}}
    with GatewayProcess(tmp_path_factory.mktemp("keys"), config) as gateway:
        yield gateway
    while CLIENTS:
        CLIENTS.pop().close()


class User:
    _made = 0

    def __init__(self, gateway: GatewayProcess) -> None:
        User._made += 1
        self.key = gateway.create_user(f"keys{User._made}@example.com")
        self.client = client(gateway, self.key)

    def make(self, name: str, **body: Any) -> dict[str, Any]:
        reply = self.client.post("/user/api-keys", json={"key_name": name, **body})
        assert reply.status_code == 201, reply.text
        shown: dict[str, Any] = reply.json()
        return shown


def client(gateway: GatewayProcess, key: str) -> httpx.Client:
    CLIENTS.append(httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}, timeout=10))
    return CLIENTS[-1]


@pytest.fixture
def user(gateway: GatewayProcess) -> User:
    return User(gateway)


def test_8_3_1_create_key(gateway: GatewayProcess, user: User) -> None:
    made = user.make("case key 1", environment_tag="test", max_requests=1000, ip_allowlist=[], domain_referrers=[])
    assert made["status"] == "success" and made["key_name"] == "case key 1" and made["environment_tag"] == "test"
    assert SHAPE.fullmatch(made["api_key"]) and made["api_key"].startswith("gw_test_")
    assert client(gateway, made["api_key"]).get("/user/api-keys").status_code == 200


def test_8_3_2_eleventh_key_within_an_hour(user: User) -> None:
    for place in range(10):
        user.make(f"key {place}")
    reply = user.client.post("/user/api-keys", json={"key_name": "one too many"})
    assert reply.status_code == 429 and reply.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert 3500 < int(reply.headers["retry-after"]) <= 3600
    assert user.client.get("/user/api-keys").json()["total_keys"] == 11


def test_8_3_3_list_keys_masked_and_revealed_by_the_primary_key(gateway: GatewayProcess, user: User) -> None:
    made = user.make("second")
    listed = user.client.get("/user/api-keys").json()
    assert listed["status"] == "success" and listed["total_keys"] == 2
    assert {"id", "api_key", "key_name", "masked_key"} <= set(listed["keys"][0])
    assert made["api_key"] not in str(listed) and listed["keys"][1]["api_key"].endswith(made["api_key"][-4:])
    revealed = user.client.get("/user/api-keys", params={"reveal": "true"}).json()
    assert [key["api_key"] for key in revealed["keys"]] == [user.key, made["api_key"]]
    refused = client(gateway, made["api_key"]).get("/user/api-keys", params={"reveal": "true"})
    assert refused.status_code == 403


def test_8_3_4_usage(user: User) -> None:
    user.make("limited", max_requests=10)
    shown = user.client.get("/user/api-keys/usage").json()
    assert shown["total_keys"] == shown["active_keys"] == 2
    limited = shown["keys"][1]
    assert limited["requests_used"] == 0 and limited["requests_remaining"] == 10 and limited["usage_percentage"] == 0
    assert shown["audit_logging"]["total_logs"] == 2


def test_8_3_5_audit_logs(user: User) -> None:
    made = user.make("logged")
    user.client.put(f"/user/api-keys/{made['key_id']}", json={"max_requests": 5}).raise_for_status()
    logs = user.client.get("/user/api-keys/audit-logs", params={"limit": 50}).json()["logs"]
    assert [log["action"] for log in logs] == ["update", "create", "create"]
    assert logs[0]["api_key_id"] == made["key_id"] and logs[0]["details"] == {"max_requests": 5}
    updates = user.client.get("/user/api-keys/audit-logs", params={"action": "update"}).json()
    assert updates["total_logs"] == 1
    assert user.client.get("/user/api-keys/audit-logs", params={"limit": 0}).status_code == 422


def test_8_3_6_update_changes_the_key_of_the_path(user: User) -> None:
    made = user.make("to rename")
    reply = user.client.put(f"/user/api-keys/{made['key_id']}", json={"key_name": "renamed", "max_requests": 500})
    assert reply.status_code == 200 and reply.json()["status"] == "success"
    assert reply.json()["updated_key"]["key_name"] == "renamed"
    names = [(key["key_name"], key["max_requests"]) for key in user.client.get("/user/api-keys").json()["keys"]]
    assert names == [("Primary Key", None), ("renamed", 500)]
    assert user.client.put(f"/user/api-keys/{made['key_id']}", json={}).status_code == 400
    taken = user.client.put(f"/user/api-keys/{made['key_id']}", json={"key_name": "Primary Key"})
    assert taken.status_code == 400 and taken.json()["error"]["param"] == "key_name"
    assert user.client.get("/user/api-keys").json()["keys"][1]["key_name"] == "renamed"


def test_8_3_6_rotate_and_bulk_rotate(gateway: GatewayProcess, user: User) -> None:
    made = user.make("to rotate")
    reply = user.client.put(f"/user/api-keys/{made['key_id']}", json={"action": "rotate"}).json()
    assert client(gateway, made["api_key"]).get("/user/api-keys").status_code == 401
    assert client(gateway, reply["new_api_key"]).get("/user/api-keys").status_code == 200
    both = user.client.put(f"/user/api-keys/{made['key_id']}", json={"action": "bulk_rotate"}).json()
    assert both["rotated_count"] == 2
    assert client(gateway, reply["new_api_key"]).get("/user/api-keys").status_code == 401
    assert client(gateway, user.key).get("/user/api-keys").status_code == 401
    for new in both["new_keys"]:
        assert client(gateway, new["new_api_key"]).get("/user/api-keys").status_code == 200


def test_8_3_7_delete_key(gateway: GatewayProcess, user: User) -> None:
    made = user.make("to delete")
    path = f"/user/api-keys/{made['key_id']}"
    wrong = user.client.request("DELETE", path, json={"confirmation": "yes"})
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "confirmation"
    reply = user.client.request("DELETE", path, json={"confirmation": "DELETE_KEY"})
    assert reply.status_code == 200 and reply.json()["deleted_key_id"] == made["key_id"]
    assert client(gateway, made["api_key"]).get("/user/api-keys").status_code == 401
    assert user.client.delete(path).status_code == 404
    user.make("to delete")  # the name is free again
    primary = user.client.get("/user/api-keys").json()["keys"][0]["id"]
    last = user.make("last")
    for key in user.client.get("/user/api-keys").json()["keys"]:
        if key["id"] not in (primary, last["key_id"]):
            user.client.delete(f"/user/api-keys/{key['id']}").raise_for_status()
    user.client.delete(f"/user/api-keys/{primary}").raise_for_status()
    reply = client(gateway, last["api_key"]).delete(f"/user/api-keys/{last['key_id']}")
    assert reply.status_code == 400


def test_revocation_within_a_second_in_another_process(gateway: GatewayProcess, user: User) -> None:
    made = user.make("revoked elsewhere")
    other = client(gateway, made["api_key"])
    assert other.get("/user/api-keys").status_code == 200
    user_id = user.client.get("/user/api-keys/usage").json()["user_id"]
    arguments = ("keys", "revoke", str(made["key_id"]), "--user", str(user_id), "--config", str(gateway.path))
    assert run_cli(*arguments).returncode == 0
    until = time.monotonic() + 1.0
    while (status := other.get("/user/api-keys").status_code) == 200 and time.monotonic() < until:
        time.sleep(0.05)
    assert status == 401


def test_keys_of_others_are_not_there(gateway: GatewayProcess, user: User) -> None:
    made, stranger = user.make("mine"), User(gateway).client
    path = f"/user/api-keys/{made['key_id']}"
    for body in ({"max_requests": 1}, {"action": "rotate"}, {"is_active": False}):
        assert stranger.put(path, json=body).status_code == 404
    assert stranger.delete(path).status_code == 404
    logs = stranger.get("/user/api-keys/audit-logs", params={"key_id": made["key_id"]}).json()
    assert logs["total_logs"] == 0
    assert client(gateway, made["api_key"]).get("/user/api-keys").status_code == 200


def test_a_key_cannot_widen_itself(gateway: GatewayProcess, user: User) -> None:
    narrow = user.make("narrow", scope_permissions={"read": ["api_keys"], "write": ["api_keys"]})
    mine = client(gateway, narrow["api_key"])
    path = f"/user/api-keys/{narrow['key_id']}"
    wider = {"read": ["*"], "write": ["*"]}
    assert mine.put(path, json={"scope_permissions": wider}).status_code == 403
    assert mine.post("/user/api-keys", json={"key_name": "wide", "scope_permissions": wider}).status_code == 403
    primary = user.client.get("/user/api-keys").json()["keys"][0]["id"]
    assert mine.put(f"/user/api-keys/{primary}", json={"action": "rotate"}).status_code == 403
    reader = user.make("reader", scope_permissions={"read": ["api_keys"]})
    refused = client(gateway, reader["api_key"]).post("/user/api-keys", json={"key_name": "no"})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"environment_tag": "live"}, 422, "key_name"),
        ({"key_name": 7}, 422, "key_name"),
        ({"key_name": "k", "ip_allowlist": ["10.0.0.0/99"]}, 400, "ip_allowlist[0]"),
        ({"key_name": "k", "environment_tag": "moon"}, 400, "environment_tag"),
        ({"key_name": "k", "max_requests": 0}, 400, "max_requests"),
        ({"key_name": "k", "expiration_days": -1}, 400, "expiration_days"),
        ({"key_name": "k", "scope_permissions": {"fly": ["*"]}}, 400, "scope_permissions"),
        ({"key_name": " "}, 400, "key_name"),
        ({"key_name": "Primary Key"}, 400, "key_name"),
    ],
)
def test_what_is_wrong_is_named(user: User, body: dict[str, Any], status: int, param: str) -> None:
    reply = user.client.post("/user/api-keys", json=body)
    assert reply.status_code == status and reply.json()["error"]["param"] == param
    assert ("detail" in reply.json()) == (status == 422)


def test_broken_json_is_400(user: User) -> None:
    reply = user.client.post("/user/api-keys", content=b"{nope", headers={"content-type": "application/json"})
    assert reply.status_code == 400


def test_25_17_keys_are_encrypted_at_rest(gateway: GatewayProcess, user: User) -> None:
    made = user.make("sealed")
    with sqlite3.connect(gateway.folder / "gatewayz.db") as database:
        row = database.execute("SELECT * FROM api_keys WHERE id = ?", (made["key_id"],)).fetchone()
        wanted = "SELECT ciphertext, lookup_hash FROM api_keys WHERE id = ?"
        ciphertext, digest = database.execute(wanted, (made["key_id"],)).fetchone()
    salt, ring = (
        (gateway.folder / "var" / "secrets" / name).read_bytes().strip() for name in ("hash_salt", "keyring_1")
    )
    # The text is bound to its row by what stands before it.
    assert Fernet(ring).decrypt(ciphertext).decode().split("\0")[-1] == made["api_key"]
    assert digest == hmac.digest(salt, made["api_key"].encode(), "sha256")
    secret = made["api_key"].removeprefix("gw_live_")
    assert not any(
        secret in str(value) or secret.encode() in (value if isinstance(value, bytes) else b"") for value in row
    )
    assert made["api_key"] not in "".join(gateway.log)
    done = run_cli("keys", "list", "--user", str(row[1]), "--config", str(gateway.path), "--json")
    assert secret not in done.stdout and msgspec.json.decode(done.stdout)
