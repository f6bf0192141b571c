from pathlib import Path

import pytest

from gatewayz.config.plan import APPLIED, changes, read_applied, save_applied, snapshot
from gatewayz.sdk.errors import ConfigurationError
from tests.fakes.config_files import ConfigFolder

TEXT = """\
server: {port: 1}
access: {admin_api_key: '${A}'}
store: {url: 'postgresql+asyncpg://u:${P}@h/d'}
providers:
  p: {use: x, api_key: '${K}', headers: {x-auth: '${K}'}, base_url: 'https://u:${P}@h', timeout: 5}
"""
SECRETS = {"A": "canary-a", "P": "canary-p", "K": "canary-k"}


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def difference(folder: ConfigFolder, before: str, after: str, then: dict[str, str] | None = None) -> list[str]:
    first = snapshot(folder.load(before, **SECRETS))
    second = snapshot(folder.load(after, **(then or SECRETS)), first.salt)
    return [str(each) for each in changes(first, second)]


def test_nothing_changes_nothing(folder: ConfigFolder) -> None:
    assert difference(folder, TEXT, TEXT + "logging: {level: info}\n") == []


def test_added_removed_changed(folder: ConfigFolder) -> None:
    after = TEXT.replace("port: 1", "port: 2").replace(", timeout: 5", ", retries: 3")
    assert difference(folder, TEXT, after) == [
        "+ providers.p.settings.retries: 3",
        "- providers.p.settings.timeout: 5",
        "~ server.port: 1 -> 2",
    ]


def test_secrets_are_compared_and_never_shown(folder: ConfigFolder) -> None:
    other = {name: f"{value}-new" for name, value in SECRETS.items()}
    assert difference(folder, TEXT, TEXT, other) == [
        "~ access.admin_api_key: *** -> ***",
        "~ providers.p.settings.api_key: *** -> ***",
        "~ providers.p.settings.base_url: https://u:***@h -> https://u:***@h",
        "~ providers.p.settings.headers.x-auth: *** -> ***",
        "~ store.url: postgresql+asyncpg://u:***@h/d -> postgresql+asyncpg://u:***@h/d",
    ]


def test_what_was_applied_is_kept_without_secrets(folder: ConfigFolder, tmp_path: Path) -> None:
    data_dir = tmp_path / "var"
    assert read_applied(data_dir) is None
    loaded = folder.load(TEXT, **SECRETS)
    save_applied(loaded, data_dir)
    save_applied(loaded, data_dir)
    file = data_dir / APPLIED
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"canary" not in file.read_bytes()
    assert [each.name for each in data_dir.iterdir()] == [APPLIED]
    applied = read_applied(data_dir)
    assert applied is not None
    assert changes(applied, snapshot(loaded, applied.salt)) == []


def test_snapshots_of_different_salts_are_not_compared(folder: ConfigFolder) -> None:
    loaded = folder.load(TEXT, **SECRETS)
    with pytest.raises(ValueError, match="salts"):
        changes(snapshot(loaded), snapshot(loaded))


def test_a_broken_snapshot_is_named(tmp_path: Path) -> None:
    (tmp_path / APPLIED).write_text("{")
    with pytest.raises(ConfigurationError, match="not a snapshot"):
        read_applied(tmp_path)
