"""What has to be there before a case, and what its placeholders stand for."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.acceptance.cases import Case
from tests.acceptance.world import World, sample_base64, sample_wav

__all__ = ["Sent", "sent"]

Sent = dict[str, Any]
"""Keyword arguments of `World.request`, with `method`, `path` and `key`."""

_UNIQUE: Final = "{n}"


def sent(world: World, case: Case, number: int) -> Sent:
    """Return the request of a case, prepared; `number` makes repeated ones different."""
    prepared = _PREPARATIONS[case["id"]](world) if case["id"] in _PREPARATIONS else {}
    path = case["path"]
    for name, value in {**(case.get("path_params") or {}), **prepared.get("path_params", {})}.items():
        path = path.replace("{" + name + "}", str(value))
    body = _filled(case["body_example"], world, number)
    if isinstance(body, dict):
        body = {**body, **prepared.get("body", {})}
    more: Sent = {
        "method": case["method"],
        "path": path,
        "key": case["key"],
        "headers": dict(case.get("headers") or {}),
    }
    if prepared.get("behind"):
        more["headers"]["x-forwarded-for"] = prepared["behind"]
    query = {**(_filled(case["query_example"], world, number) or {}), **prepared.get("query", {})}
    if query:
        more["params"] = {
            name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()
        }
    if (case.get("request_content_type") or "").startswith("multipart"):
        fields = {name: value for name, value in body.items() if name != "file"}
        if "file" in body:
            more["files"], more["data"] = {"file": ("sample.wav", sample_wav(), "audio/wav")}, fields
        else:
            more["files"] = {name: (None, value) for name, value in fields.items()}
    elif body is not None:
        more["json"] = body
    return more


def _filled(value: Any, world: World, number: int) -> Any:
    """Replace the placeholders of an example."""
    if isinstance(value, dict):
        return {name: _filled(item, world, number) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, world, number) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith("<identity token for "):
        subject = value.removeprefix("<identity token for ").rstrip(">")
        return world.token(subject, _MAILS.get(subject, f"{subject.rpartition(':')[2]}@example.com"))
    known: Mapping[str, Callable[[], Any]] = {
        "<user id>": lambda: world.person("user")["user_id"],
        "<other user id>": lambda: world.person("other_user")["user_id"],
        "<user api key>": lambda: world.person("user")["api_key"],
        "<session id>": lambda: world.answers["session"],
        "<base64 of sample.wav>": sample_base64,
        "<id from /plans>": lambda: world.request("GET", "/plans").json()[0]["id"],
    }
    return known[value]() if value in known else value.replace(_UNIQUE, f"{number}")


_MAILS: Final = {
    "did:privy:test-user-0001": "case.user@example.com",
    "did:privy:new-user-0002": "new.user.0002@example.com",
}


def _in_session(world: World) -> Sent:
    world.answers["session"] = session = world.session()
    return {"path_params": {"session_id": session}}


def _in_last_session(world: World) -> Sent:
    return {"path_params": {"session_id": world.answers["session"]}}


def _signed_in_before(world: World) -> Sent:
    subject, email = "did:privy:test-user-0001", "case.user@example.com"
    account = [{"type": "email", "email": email, "verified_at": 1767225600}]
    user = {"id": subject, "created_at": 1767225600, "linked_accounts": account, "mfa_methods": []}
    body = {"user": user, "token": world.token(subject, email), "email": email, "environment_tag": "live"}
    assert world.request("POST", "/auth", json=body, headers={"x-forwarded-for": "198.51.100.20"}).status_code == 200
    return {"behind": "198.51.100.21"}


def _primary_fails(world: World) -> Sent:
    failing = {"tries": 0}

    def behave(seen: Any) -> Any:
        failing["tries"] += 1
        return (503, {}, [b'{"error":{"message":"down"}}']) if failing["tries"] == 1 else None

    world.upstream.behave = behave
    return {}


def _own_key(world: World) -> Sent:
    made = world.request("POST", "/user/api-keys", "user", json={"key_name": f"case {len(world.answers)}"})
    assert made.status_code == 201, made.text
    world.answers[f"key {made.json()['key_id']}"] = True
    return {"path_params": {"key_id": made.json()["key_id"]}}


def _user_id(world: World) -> Sent:
    return {"path_params": {"user_id": world.person("user")["user_id"]}}


def _allowlist_entry(world: World) -> Sent:
    return {"path_params": {"entry_id": world.answers["21.1"]["id"]}}


def _chatted(world: World) -> Sent:
    assert world.chat().status_code == 200
    return {}


def _first_offer(world: World) -> Sent:
    """A provider that has just served the model."""
    answer = world.chat(model="openai/gpt-4o")
    assert answer.status_code == 200, answer.text
    return {"path_params": {"provider": answer.headers["x-provider"]}}


def _coupons(world: World) -> Sent:
    world.coupon("CASEGLOBAL1")
    user_id = world.person("user")["user_id"]
    world.coupon("CASEFORONE", coupon_scope="user_specific", max_uses=1, assigned_to_user_id=user_id)
    return {}


def _global_coupon(world: World) -> Sent:
    world.coupon("CASEGLOBAL5")
    return {}


def _expired_coupon(world: World) -> Sent:
    world.coupon("CASEEXPIRED", valid_until="2025-01-01T00:00:00Z")
    return {}


def _assigned_coupon(world: World) -> Sent:
    user_id = world.person("user")["user_id"]
    world.coupon("CASEUSERONLY", coupon_scope="user_specific", max_uses=1, assigned_to_user_id=user_id)
    return {}


def _some_coupon(world: World) -> Sent:
    return {"path_params": {"coupon_id": world.coupon("CASEANALYTICS")["id"]}}


def _referral_code(world: World) -> Sent:
    code = world.request("GET", "/referral/code", "other_user").json()["referral_code"]
    return {"body": {"referral_code": code}}


def _plan_id(world: World) -> Sent:
    return {"path_params": {"plan_id": world.request("GET", "/plans").json()[0]["id"]}}


def _of(case_id: str, name: str, *path: str) -> Callable[[World], Sent]:
    """Return a preparation that takes a variable out of another case's answer."""

    def prepare(world: World) -> Sent:
        value = world.answers[case_id]
        for step in path:
            value = value[step]
        return {"path_params": {name: value}}

    return prepare


def _another_admin(world: World) -> Sent:
    """One who has not given anybody credit today."""
    world.renew("admin")
    return {}


def _owned_mail(world: World) -> Sent:
    world.person("other_user")
    return {}


_PREPARATIONS: Final[Mapping[str, Callable[[World], Sent]]] = {
    "2.1": _signed_in_before,
    "2.2": lambda world: {"behind": "198.51.100.22"},
    "2.6": lambda world: {"behind": "198.51.100.26"},
    "3.3.3": _primary_fails,
    **dict.fromkeys(("3.5.1", "3.5.2", "3.5.3", "3.5.4", "3.5.6", "3.5.7", "3.6.1", "3.7.1"), _in_session),
    "3.6.4": _in_last_session,
    "3.6.5": _of("3.6.1", "feedback_id", "data", "id"),
    "3.6.6": _of("3.6.1", "feedback_id", "data", "id"),
    "3.7.3": _of("3.7.1", "token", "share_token"),
    "3.7.4": _of("3.7.1", "token", "share_token"),
    "3.8.1": _chatted,
    "4.6.5": _first_offer,
    "4.6.6": _first_offer,
    "8.1.3": _owned_mail,
    **dict.fromkeys(("8.3.6", "8.3.7", "8.4.2", "8.4.3"), _own_key),
    "8.5.2": _plan_id,
    "8.6.4": _referral_code,
    "10.1": _coupons,
    "10.3": _global_coupon,
    "10.4": _expired_coupon,
    "10.6": _assigned_coupon,
    "11.3": _of("11.2", "session_id", "session_id"),
    "13.2": _chatted,
    "15.5": _first_offer,
    "15.7": _first_offer,
    **dict.fromkeys(("21.4", "21.5"), _allowlist_entry),
    **dict.fromkeys(("24.2.2", "24.7.1"), _user_id),
    "24.3.2": _another_admin,
    "24.10.2": _some_coupon,
}
