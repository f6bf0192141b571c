"""Cases 24.1.*, 24.2.* and 24.7.*: administrators see users and give roles."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

pytestmark = pytest.mark.xdist_group("admin_users")
ADMIN_KEY = "the admin key of the environment"


class Site:
    def __init__(self, gateway: GatewayProcess) -> None:
        self.gateway = gateway
        self.user_key = gateway.create_user("plain.user@example.com", "--trial-days", "3")
        self.admin_key = gateway.create_user("admin@example.com", "--role", "admin")
        self.http = httpx.Client(base_url=gateway.base, timeout=10)

    def get(self, path: str, key: str | None = None, /, **params: object) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.admin_key}"}
        return self.http.get(path, params={name: str(value) for name, value in params.items()}, headers=headers)

    def delete(self, path: str, key: str | None = None, /, **params: str) -> httpx.Response:
        return self.http.delete(path, params=params, headers={"authorization": f"Bearer {key or self.admin_key}"})

    def post(self, path: str, key: str | None = None, /, **body: object) -> httpx.Response:
        return self.http.post(path, json=body, headers={"authorization": f"Bearer {key or self.admin_key}"})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    config = {
        "providers": {"echo": {"use": "echo"}},
        "access": {"admin_api_key": ADMIN_KEY},
        "server": {"access_log": True},
    }
    with GatewayProcess(tmp_path_factory.mktemp("admin"), config) as gateway:
        site = Site(gateway)
        yield site
        site.http.close()


def test_24_1_1_and_24_1_2_who_may(site: Site) -> None:
    assert site.get("/admin/users", site.user_key).status_code == 403
    assert site.http.get("/admin/users").status_code == 401
    assert site.get("/admin/users").status_code == site.get("/admin/users", ADMIN_KEY).status_code == 200


def test_24_2_1_list_users(site: Site) -> None:
    shown = site.get("/admin/users", limit=1).json()
    assert shown["total_users"] == 2 and shown["has_more"] is True and len(shown["users"]) == 1
    assert shown["pagination"] == {"limit": 1, "offset": 0, "current_page": 1, "total_pages": 2}
    found = site.get("/admin/users", email="PLAIN").json()["users"]
    assert [user["email"] for user in found] == ["plain.user@example.com"] and found[0][
        "subscription_status"
    ] == "trial"
    assert site.get("/admin/users", email="%").json()["total_users"] == 0
    assert site.get("/admin/users", api_key=site.user_key).json()["total_users"] == 1
    assert site.get("/admin/users", limit=0).status_code == 422


def test_24_2_2_one_user(site: Site) -> None:
    shown = site.get("/admin/users/1").json()
    assert shown["user"]["id"] == 1 and len(shown["api_keys"]) == 1 and site.user_key not in str(shown)
    assert site.get("/admin/users/999").status_code == 404


def test_24_2_3_user_of_key(site: Site) -> None:
    for reply in (
        site.get("/admin/users/by-api-key", key=site.user_key),
        site.get("/admin/users/by-api-key", api_key=site.user_key),
        site.post("/admin/users/by-api-key", key=site.user_key),
    ):
        assert reply.json()["user"]["email"] == "plain.user@example.com"
    assert site.get("/admin/users/by-api-key").status_code == 422
    until = time.monotonic() + 5
    while not (logged := [line for line in site.gateway.log if "by-api-key" in line]) and time.monotonic() < until:
        time.sleep(0.05)
    assert logged and not any(site.user_key in line for line in site.gateway.log)
    assert site.get("/admin/users/by-api-key", **{"api_key": "gw_live_unknown"}).status_code == 404


def test_24_2_4_to_24_2_6_counts(site: Site) -> None:
    assert site.get("/admin/users/count").json()["count"] == 2
    growth = site.get("/admin/users/growth", days=30).json()
    assert len(growth["data"]) == 30 and growth["total"] == growth["data"][-1]["new_users"] == 2
    stats = site.get("/admin/users/stats").json()
    assert stats["total_users"] == 2 and stats["statistics"]["admin_users"] == 1
    assert stats["statistics"]["subscription_breakdown"] == {"trial": 1, "inactive": 1}
    one = site.get("/admin/users/stats", email="plain").json()
    assert one["total_users"] == 1 and one["statistics"]["admin_users"] == 0


def test_balances(site: Site) -> None:
    shown = site.get("/admin/balance").json()
    assert shown["total_users"] == 2 and shown["has_more"] is False
    plain, admin = shown["users"]
    assert plain["credits"] == 0.0 and plain["api_key"].endswith(site.user_key[-4:])
    assert site.user_key not in str(shown) and admin["username"].startswith("admin")
    page = site.get("/admin/balance", limit=1, offset=1).json()
    assert [user["user_id"] for user in page["users"]] == [2]


def test_one_key_of_anybody(site: Site) -> None:
    shown = site.get("/admin/api-keys/1").json()
    assert shown["api_key"]["user_id"] == 1 and shown["user"]["email"] == "plain.user@example.com"
    assert site.user_key not in str(shown) and [log["action"] for log in shown["audit_logs"]] == ["create"]
    assert site.get("/admin/api-keys/999").status_code == 404


def test_switching_off_a_mail_domain(site: Site) -> None:
    key = site.gateway.create_user("one@mx.bad.example")
    site.gateway.create_user("two@notbad.example")
    dry = site.delete("/admin/users/by-domain/Bad.Example").json()
    assert dry["dry_run"] is True and [user["email"] for user in dry["users"]] == ["one@mx.bad.example"]
    assert site.get("/user/profile", key).status_code == 200
    done = site.delete("/admin/users/by-domain/bad.example", dry_run="false").json()
    assert done["dry_run"] is False and done["total_users"] == 1
    assert site.get("/user/profile", key).status_code == 401
    user = site.get(f"/admin/users/{done['users'][0]['id']}").json()
    assert user["user"]["is_active"] is False
    assert [entry["action"] for entry in user["recent_activity"]] == ["account_disabled", "create"]
    assert site.get("/admin/users/count", is_active="false").json()["count"] == 1
    for bad in ("nodot", "a@b.example", "%25.example"):
        assert site.delete(f"/admin/users/by-domain/{bad}").status_code == 400
    assert site.delete("/admin/users/by-domain/bad.example", site.user_key).status_code == 403


def test_disable_and_enable(site: Site) -> None:
    assert site.post("/admin/users/1/disable").json()["user"]["is_active"] is False
    assert site.get("/user/api-keys", site.user_key).status_code == 401
    assert site.post("/admin/users/1/enable").status_code == 200
    assert site.post("/admin/users/2/disable").status_code == 409


def test_24_7_roles(site: Site) -> None:
    shown = site.get("/admin/roles/1").json()
    assert shown["role"] == "user" and {"resource": "usage", "action": "read", "allowed": True} in shown["permissions"]
    assert site.get("/admin/roles/999").status_code == 404
    done = site.post("/admin/roles/update", user_id=1, new_role="developer", reason="case")
    assert done.status_code == 200 and done.json()["success"] is True
    assert [user["id"] for user in site.get("/admin/roles/list/developer").json()["users"]] == [1]
    assert site.get("/admin/roles/permissions/developer").json()["total"] == 12
    log = site.get("/admin/roles/audit/log", limit=50).json()["logs"][0]
    assert (log["previous_role"], log["new_role"], log["changed_by"]) == ("user", "developer", "user:2")
    assert site.post("/admin/roles/update", user_id=1, new_role="king").status_code == 400
    assert site.get("/admin/roles/list/king").status_code == 400
    assert site.post("/admin/roles/update", user_id=2, new_role="user").status_code == 409
    assert site.post("/admin/roles/update", site.user_key, user_id=1, new_role="admin").status_code == 403
