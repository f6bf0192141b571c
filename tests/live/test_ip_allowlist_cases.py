"""Cases 21.1 to 21.5: the allowlist of addresses, over HTTP and in force."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

pytestmark = pytest.mark.xdist_group("limits")
PATH = "/api/admin/ip-whitelist"
ENTRY = {
    "id",
    "ip_address",
    "user_id",
    "reason",
    "created_by",
    "enabled",
    "expires_at",
    "metadata",
    "created_at",
    "updated_at",
}
CONFIG: dict[str, Any] = {
    "providers": {"echo": {"use": "echo"}},
    "models": {"acme/echo": {"price": {"input": "1", "output": "1"}, "offers": {"echo": {}}}},
    "limits": {"enabled": True, "network": {"requests": 20, "fingerprints": False}},
    "server": {"trusted_proxies": ["127.0.0.1"]},
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("allowlist"), CONFIG) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def admin(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    key = gateway.create_user("boss@example.com", "--role", "admin")
    with httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}, timeout=10) as client:
        yield client


def add(admin: httpx.Client, network: str, **more: Any) -> dict[str, Any]:
    answer = admin.post(PATH, json={"ip_address": network, "reason": "Office network", **more})
    assert answer.status_code == 201, answer.text
    entry: dict[str, Any] = answer.json()
    return entry


def listed(admin: httpx.Client, address: str, **more: Any) -> bool:
    answer = admin.post(f"{PATH}/check", json={"ip_address": address, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"ip_address", "is_whitelisted", "user_id"}
    return bool(answer.json()["is_whitelisted"])


def statuses(gateway: GatewayProcess, address: str, count: int = 25) -> list[int]:
    with httpx.Client(base_url=gateway.base, headers={"user-agent": "Mozilla/5.0"}) as client:
        return [client.get("/", headers={"x-forwarded-for": address}).status_code for _ in range(count)]


def test_21_1_create_entry(gateway: GatewayProcess, admin: httpx.Client) -> None:
    entry = add(admin, "203.0.113.9/24", metadata={"team": "net"})
    assert entry.keys() == ENTRY and entry["id"] == str(UUID(entry["id"]))
    assert entry["ip_address"] == "203.0.113.0/24" and entry["enabled"] is True and entry["metadata"] == {"team": "net"}
    assert entry["user_id"] is None and entry["created_by"].startswith("user:")
    again = admin.post(PATH, json={"ip_address": "203.0.113.0/24", "reason": "Again"})
    assert again.status_code == 409 and again.json()["error"]["param"] == "ip_address"
    for wrong in ("nonsense", "203.0.113.0/40", "300.1.1.1", ""):
        answer = admin.post(PATH, json={"ip_address": wrong, "reason": "x"})
        assert answer.status_code == 422 and answer.json()["error"]["param"] == "ip_address", answer.text
    past = admin.post(PATH, json={"ip_address": "10.9.9.9", "reason": "x", "expires_at": "2020-01-01T00:00:00Z"})
    assert past.status_code == 422 and past.json()["error"]["param"] == "expires_at"
    unknown = admin.post(PATH, json={"ip_address": "10.9.9.9", "reason": "x", "user_id": 99999})
    assert unknown.status_code == 404 and unknown.json()["error"]["param"] == "user_id"
    key = gateway.create_user("plain@example.com")
    headers = {"authorization": f"Bearer {key}"}
    assert httpx.get(f"{gateway.base}{PATH}", headers=headers).status_code == 403
    assert httpx.get(f"{gateway.base}{PATH}").status_code == 401


def test_21_2_list_entries(admin: httpx.Client) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    ended, off, on = (
        add(admin, "198.51.100.1", expires_at=soon),
        add(admin, "198.51.100.2"),
        add(admin, "2001:DB8::/32"),
    )
    admin.put(f"{PATH}/{off['id']}", json={"enabled": False}).raise_for_status()
    assert on["ip_address"] == "2001:db8::/32"
    admin.put(f"{PATH}/{ended['id']}", json={"expires_at": "2020-01-01T00:00:00Z"}).raise_for_status()

    def ids(**params: Any) -> set[str]:
        shown = admin.get(PATH, params=params).json()
        assert isinstance(shown, list) and all(each.keys() == ENTRY for each in shown)
        return {each["id"] for each in shown} & {ended["id"], off["id"], on["id"]}

    assert ids() == ids(enabled_only=True) == {on["id"]}
    assert ids(include_expired=True) == {on["id"], ended["id"]}
    assert ids(enabled_only=False) == {on["id"], off["id"]}
    assert ids(enabled_only=False, include_expired=True) == {on["id"], off["id"], ended["id"]}
    assert admin.get(PATH, params={"user_id": 1}).json() == []
    assert admin.get(PATH, params={"enabled_only": "perhaps"}).status_code == 422
    assert admin.get(f"{PATH}/{on['id']}").json() == on
    assert admin.get(f"{PATH}/{uuid4()}").status_code == admin.get(f"{PATH}/nonsense").status_code == 404


def test_21_3_check(admin: httpx.Client) -> None:
    add(admin, "192.0.2.0/28")
    assert listed(admin, "192.0.2.15") and listed(admin, "::ffff:192.0.2.3") and not listed(admin, "192.0.2.16")
    add(admin, "192.0.2.77", user_id=1)
    assert listed(admin, "192.0.2.77", user_id=1)
    assert not listed(admin, "192.0.2.77") and not listed(admin, "192.0.2.77", user_id=2)
    assert admin.post(f"{PATH}/check", json={"ip_address": "192.0.2.0/28"}).status_code == 422


def test_21_4_update_entry(admin: httpx.Client) -> None:
    entry = add(admin, "10.1.0.0/16")
    changed = admin.put(f"{PATH}/{entry['id']}", json={"enabled": False, "reason": "Office moved"})
    assert changed.status_code == 200
    assert changed.json() == {
        **entry,
        "enabled": False,
        "reason": "Office moved",
        "updated_at": changed.json()["updated_at"],
    }
    assert not listed(admin, "10.1.2.3")
    assert admin.patch(f"{PATH}/{entry['id']}", json={"enabled": True}).json()["reason"] == "Office moved"
    assert listed(admin, "10.1.2.3")
    assert admin.put(f"{PATH}/{uuid4()}", json={"enabled": False}).status_code == 404
    assert admin.put(f"{PATH}/{entry['id']}", json={}).status_code == 400
    assert admin.put(f"{PATH}/{entry['id']}", json={"enabled": "no"}).status_code == 422


def test_21_5_delete_entry(admin: httpx.Client) -> None:
    entry = add(admin, "10.2.0.1")
    removed = admin.delete(f"{PATH}/{entry['id']}")
    assert removed.status_code == 200 and removed.json()["success"] is True and removed.json()["id"] == entry["id"]
    assert not listed(admin, "10.2.0.1")
    assert admin.delete(f"{PATH}/{entry['id']}").status_code == 404


def test_listed_addresses_are_not_counted(gateway: GatewayProcess, admin: httpx.Client) -> None:
    entry = add(admin, "10.3.0.0/24")
    assert set(statuses(gateway, "10.3.0.7")) == {200}
    assert set(statuses(gateway, "10.4.0.7")) == {200, 429}
    admin.delete(f"{PATH}/{entry['id']}").raise_for_status()
    assert set(statuses(gateway, "10.3.0.7")) == {200, 429}


def test_other_processes_learn_of_an_entry(
    gateway: GatewayProcess, admin: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = {"url": f"sqlite+aiosqlite:///{gateway.folder / 'gatewayz.db'}"}
    folder = tmp_path_factory.mktemp("allowlist2")
    with GatewayProcess(folder, {**CONFIG, "store": store, "data_dir": str(gateway.folder / "var")}) as other:
        assert statuses(other, "10.5.0.1")[-1] == 429
        add(admin, "10.5.0.1")
        until = time.monotonic() + 10
        while statuses(other, "10.5.0.1", 1) != [200] and time.monotonic() < until:
            time.sleep(0.2)
        assert set(statuses(other, "10.5.0.1")) == {200}
