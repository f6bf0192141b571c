"""The files that come with the gateway."""

from pathlib import Path

import pytest

from gatewayz.config.load import default_path, load
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.config.references import check_references
from gatewayz.config.resources import resource
from tests.fakes.catalog import shipped_snapshot

PRODUCTION = {
    "DATABASE_URL": "postgresql+asyncpg://u:p@h/d",
    "REDIS_URL": "redis://h",
    "KEY_HASH_SALT": "0123456789abcdef",
    "KEYRING_1": "x",
    "ADMIN_API_KEY": "y",
}


def test_development_loads_and_leads_somewhere() -> None:
    loaded = load(resource("gatewayz.yaml"), environ={})
    assert loaded.settings.environment == "development"
    known = shipped_snapshot().models
    assert [str(each) for each in check_references(loaded, known) if each.severity == "error"] == []
    assert loaded.settings.access.circuit_breakers == "public"


def test_production_needs_every_secret() -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(resource("gatewayz.yaml"), overlay="production", environ={})
    missing = [name for name in PRODUCTION if f"variable {name} is not set" in str(caught.value)]
    assert missing == list(PRODUCTION)


def test_production_closes_operator_routes_and_trusts_nobody() -> None:
    settings = load(resource("gatewayz.yaml"), overlay="production", environ=PRODUCTION).settings
    assert settings.environment == "production"
    assert (settings.access.circuit_breakers, settings.access.metrics) == ("admin", "admin")
    assert settings.server.trusted_proxies == ()


def test_names_that_deployments_know_map_to_keys() -> None:
    environ = {
        "CIRCUIT_BREAKER_RECOVERY_SECONDS": "7",
        "REDIS_URL": "redis://r",
        "ADMIN_API_KEY": "k",
        "APP_ENV": "test",
    }
    settings = load(resource("gatewayz.yaml"), environ=environ).settings
    assert settings.breakers.recovery_s == 7
    assert settings.store.redis_url == "redis://r"
    assert settings.access.admin_api_key.reveal() == "k"
    assert settings.environment == "test"


def test_the_file_of_the_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_path() == resource("gatewayz.yaml")
    (tmp_path / "gatewayz.yaml").touch()
    assert default_path() == Path("gatewayz.yaml")
