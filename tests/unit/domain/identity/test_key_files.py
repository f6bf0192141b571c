import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from gatewayz.config.sections.access import Keys
from gatewayz.domain.identity.key_files import load_vault
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.secret import Secret

KEY = Fernet.generate_key().decode()


def test_what_is_not_configured_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    first = load_vault(Keys(), tmp_path)
    minted = first.mint("live")
    second = load_vault(Keys(), tmp_path)
    assert second.open(minted.sealed) == minted.text
    for file in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(file.name for file in (tmp_path / "secrets").iterdir()) == ["hash_salt", "keyring_1"]
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        vaults = list(threads.map(lambda _: load_vault(Keys(), tmp_path), range(16)))
    assert len({vault.lookup_hash(b"x") for vault in vaults}) == 1
    minted = vaults[0].mint("live")
    assert all(vault.open(minted.sealed) == minted.text for vault in vaults)


def test_configured_secrets_are_used_and_nothing_is_written(tmp_path: Path) -> None:
    keys = Keys(hash_salt=Secret("s" * 16), keyring={"1": Secret(KEY), "3": Secret(KEY), "4": Secret("")})
    vault = load_vault(keys, tmp_path / "never")
    assert vault.version == 3
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (Keys(hash_salt=Secret("short")), "keys.hash_salt"),
        (Keys(keyring={"one": Secret(KEY)}), "'one'"),
        (Keys(keyring={"0": Secret(KEY)}), "'0'"),
        (Keys(keyring={"1": Secret("not a key")}), "keys.keyring.1"),
        (Keys(keyring={"1": Secret(KEY)}, current_version=2), "keys.current_version"),
    ],
)
def test_secrets_that_cannot_be_used_are_named_and_not_shown(keys: Keys, names: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_vault(keys, tmp_path)
    assert names in caught.value.message
    assert KEY not in caught.value.message


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file where the folder should be")
    with pytest.raises(ConfigurationError, match="hash_salt"):
        load_vault(Keys(), tmp_path)
