"""Guarantee 3 over HTTP: killed under load, all that was acknowledged is charged, and at most what was in flight."""

import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from tests.fakes.gateway_process import GatewayProcess, run_cli
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

MODEL = "acme/stub"
IN_FLIGHT = 16
CREDITS = 50
BEFORE_KILL = 60


class Shop:
    """A gateway that bills; every answer costs the same."""

    def __init__(self, gateway: GatewayProcess, key: str) -> None:
        self.gateway = gateway
        self.headers = {"x-api-key": key}
        self.acknowledged = 0
        self._lock = threading.Lock()

    def ask_until_it_dies(self) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 16}
        with httpx.Client(base_url=self.gateway.base, headers=self.headers, timeout=20) as client:
            while True:
                try:
                    answer = client.post("/v1/chat/completions", json=body)
                except httpx.TransportError:
                    return
                assert answer.status_code == 200, answer.text
                with self._lock:
                    self.acknowledged += 1

    def credits(self) -> float:
        shown = httpx.get(f"{self.gateway.base}/user/balance", headers=self.headers, timeout=20)
        assert shown.status_code == 200, shown.text
        return float(shown.json()["credits"])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with stub_upstream() as upstream, GatewayProcess(tmp_path, config_of(upstream)) as gateway:
        yield Shop(gateway, gateway.create_user("user@example.com", "--credits", str(CREDITS)))


def config_of(upstream: StubUpstream) -> dict[str, Any]:
    return {
        "providers": {
            "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
            "local": {"enabled": False},
        },
        "billing": {"use": "credits"},
        "ledger": {"beat_s": 0.5, "lease_s": 1.5},
        "models": {MODEL: {"price": {"input": 100, "output": 100}, "offers": {"stub": {}}}},
    }


def test_killed_under_load(shop: Shop) -> None:
    before = shop.credits()
    httpx.post(
        f"{shop.gateway.base}/v1/chat/completions",
        json={"model": MODEL, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 16},
        headers=shop.headers,
        timeout=20,
    ).raise_for_status()
    one = before - shop.credits()
    assert one > 0
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        askers = [pool.submit(shop.ask_until_it_dies) for _ in range(IN_FLIGHT)]
        while shop.acknowledged < BEFORE_KILL:
            assert not any(asker.done() for asker in askers)
            time.sleep(0.01)
        shop.gateway.stop(signal.SIGKILL)
        for asker in askers:
            asker.result()
    with GatewayProcess(shop.gateway.folder, yaml.safe_load(shop.gateway.path.read_text())) as shop.gateway:
        _until_nothing_is_held(shop)
        charged = round((before - shop.credits()) / one) - 1
    assert shop.acknowledged <= charged <= shop.acknowledged + IN_FLIGHT


def _until_nothing_is_held(shop: Shop) -> None:
    """Wait until the holds of the dead process were settled; the audit is clean all the while."""
    end = time.monotonic() + 60
    while (held := audited(shop)["held"]) != "0":
        assert time.monotonic() < end, f"${held} is still held"
        time.sleep(0.5)


def audited(shop: Shop) -> dict[str, str]:
    found = run_cli("audit", "--config", str(shop.gateway.path), "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    totals: dict[str, str] = msgspec.json.decode(found.stdout)["totals_usd"]
    return totals
