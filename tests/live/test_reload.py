"""What a reload leaves behind: one that fails leaves nothing, one that goes through is in force everywhere."""

import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatewayz.config.load import Loaded, load
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.catalog_sync.source import CatalogSource
from gatewayz.flow.gateway import Gateway
from gatewayz.lifecycle.lifecycle import Lifecycle
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.web.exchange import KeepAlive
from gatewayz_plugins.providers.echo.provider import EchoProvider


class Running:
    """A lifecycle over one provider, in this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written = 0
        self.gateway = Gateway()
        self.lifecycle = Lifecycle(
            self.loaded(), self.gateway, KeepAlive(), None, requests=RequestRecord(), figures=None
        )

    def loaded(self, **changes: Any) -> Loaded:
        config = {
            "environment": "development",
            "data_dir": str(self._folder / "var"),
            "store": {"url": f"sqlite+aiosqlite:///{self._folder / 'gatewayz.db'}"},
            "plugins": ["providers.*", "routers.*", "billing.*"],
            "providers": {"echo": {"use": "echo"}},
            "models": {"a/b": {"price": {"input": 1, "output": 1}, "offers": {"echo": {}}}},
            "routers": {"default": {"use": "failover"}},
            "billing": {"use": "unmetered"},
            "catalog_sync": {"enabled": False},
            **changes,
        }
        self._written += 1
        path = self._folder / f"{self._written}/gatewayz.yaml"  # a file that is not watched: tests reload themselves
        path.parent.mkdir()
        path.write_text(yaml.safe_dump(config))
        return load(path, overlay=None, environ={})


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    await running.lifecycle.start()
    yield running
    await running.lifecycle.stop()
    gc.unfreeze()


async def test_whatever_stops_a_reload_the_new_instances_are_closed(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[EchoProvider] = []

    async def note(self: EchoProvider) -> None:
        closed.append(self)

    async def fail(self: CatalogSource, *_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(EchoProvider, "aclose", note)
    before = running.gateway.edition
    with monkeypatch.context() as patch:
        patch.setattr(CatalogSource, "build", fail)
        with pytest.raises(RuntimeError, match="broken"):
            await running.lifecycle.reload(running.loaded(providers={"echo": {"use": "echo", "prefix": "new "}}))
    assert len(closed) == 1
    assert running.gateway.edition is before
    await running.lifecycle.reload(running.loaded())
    assert len(closed) == 1


async def test_other_rules_of_breakers_and_retries_are_in_force_at_once(running: Running) -> None:
    before = running.gateway.edition
    changed = {"breakers": {"failure_threshold": 2}, "failover": {"retry_budget": {"ratio": 0, "min_per_s": 0}}}
    assert before.retry_budget.allow()
    await running.lifecycle.reload(running.loaded(**changed))
    after = running.gateway.edition
    assert isinstance(after.breakers, Breakers) and after.breakers is not before.breakers
    assert not after.retry_budget.allow()
