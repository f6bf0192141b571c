"""Where salt and keyring come from: the settings, or files made once in the data folder.

Whoever loses the salt loses every key, so the files are written once, whole, and never again.
"""

import os
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from pathlib import Path
from secrets import token_bytes
from typing import Final

from gatewayz.config.sections.access import Keys
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.secret import Secret

__all__ = ["load_vault"]

FOLDER: Final = "secrets"
SALT_CHARACTERS: Final = 16
FERNET_KEY_BYTES: Final = 32


def load_vault(keys: Keys, data_dir: Path, draw: Callable[[int], bytes] = token_bytes) -> KeyVault:
    """Return the vault of the settings; what they leave empty is kept in `data_dir/secrets`, made at first use.

    Raises ConfigurationError naming the key that cannot be used, or the file that cannot be read.
    """
    folder = data_dir / FOLDER
    salt = keys.hash_salt or _kept(folder / "hash_salt", draw)
    if len(salt.reveal()) < SALT_CHARACTERS:
        raise ConfigurationError(f"keys.hash_salt is shorter than {SALT_CHARACTERS} characters")
    keyring = _keyring(keys)
    if not keyring:
        keyring = {1: _kept(folder / "keyring_1", draw)}
    for version, key in keyring.items():
        _check_key(version, key)
    version = keys.current_version or max(keyring)
    if version not in keyring:
        raise ConfigurationError(f"keys.current_version is {version}, which keys.keyring does not have")
    return KeyVault(salt, keyring, version, draw)


def _keyring(keys: Keys) -> dict[int, Secret]:
    keyring: dict[int, Secret] = {}
    for name, key in keys.keyring.items():
        if not name.isascii() or not name.isdecimal() or int(name) < 1:
            raise ConfigurationError(f"keys.keyring: {name!r} is not a version number")
        if key:  # a variable that resolves to nothing leaves the version out
            keyring[int(name)] = key
    return keyring


def _check_key(version: int, key: Secret) -> None:
    try:
        size = len(urlsafe_b64decode(key.reveal()))
    except (NotBase64, ValueError):
        size = 0
    if size != FERNET_KEY_BYTES:
        raise ConfigurationError(
            f"keys.keyring.{version} is not a Fernet key: 32 bytes in URL-safe base64 (`gatewayz keys generate`)"
        )


def _kept(path: Path, draw: Callable[[int], bytes]) -> Secret:
    """Return the secret of a file, made on first use; processes that start together agree on one."""
    try:
        if not path.exists():
            _write_once(path, urlsafe_b64encode(draw(FERNET_KEY_BYTES)))
        return Secret(path.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"{path}: cannot be read or made: {err}") from err


def _write_once(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all, and does not replace the file of a quicker process.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)
