"""What a configuration would change: effective values compared key by key, secrets never shown.

A running gateway keeps the values it last took over in `<data_dir>/applied.json`. Secrets stand there
as keyed digests, so that a change of one is seen and its value is not.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gatewayz.config.load import Loaded
from gatewayz.config.problems import KeyPath, key_text
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.secret import Secret

__all__ = ["APPLIED", "Change", "Snapshot", "changes", "read_applied", "save_applied", "snapshot"]

APPLIED: Final = "applied.json"

_SECRET_KEY: Final = re.compile(
    r"key|secret|token|password|passwd|salt|credential|private|authorization|dsn|headers", re.IGNORECASE
)
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]+@")
_DIGEST: Final = "sha256:"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Effective values of a configuration, secrets as digests under the snapshot's own key."""

    salt: str
    values: dict[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One key that differs; `before` and `after` are shown as text, secrets as `***`."""

    kind: Literal["added", "removed", "changed"]
    path: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        match self.kind:
            case "added":
                return f"+ {self.path}: {self.after}"
            case "removed":
                return f"- {self.path}: {self.before}"
        return f"~ {self.path}: {self.before} -> {self.after}"


def snapshot(loaded: Loaded, salt: str | None = None) -> Snapshot:
    """Return the effective values; two snapshots can be compared when they share a salt."""
    salt = salt or secrets.token_hex(16)

    def conceal(value: object) -> str:
        if isinstance(value, Secret):
            return _digest(value.reveal(), salt)
        raise TypeError(f"a setting of type {type(value).__name__} has no plain form")

    values = msgspec.to_builtins(loaded.settings, enc_hook=conceal)
    return Snapshot(salt=salt, values=_conceal_named(values, salt))


def changes(before: Snapshot, after: Snapshot) -> list[Change]:
    """Return what differs, by key path. Raises ValueError for snapshots of different salts."""
    if before.salt != after.salt:
        raise ValueError("snapshots of different salts cannot be compared")
    old, new = dict(_leaves(before.values)), dict(_leaves(after.values))
    found: list[Change] = []
    for path in sorted(old.keys() | new.keys(), key=lambda path: [str(part) for part in path]):
        text = key_text(path)
        if path not in old:
            found.append(Change(kind="added", path=text, after=_shown(new[path])))
        elif path not in new:
            found.append(Change(kind="removed", path=text, before=_shown(old[path])))
        elif old[path] != new[path]:
            found.append(Change(kind="changed", path=text, before=_shown(old[path]), after=_shown(new[path])))
    return found


def save_applied(loaded: Loaded, data_dir: Path) -> None:
    """Keep what was taken over, readable by the owner only. Raises OSError."""
    data_dir.mkdir(parents=True, exist_ok=True)
    temporary = data_dir / f".{APPLIED}.{os.getpid()}"
    temporary.touch(mode=0o600)
    temporary.write_bytes(msgspec.json.encode(snapshot(loaded)))
    temporary.replace(data_dir / APPLIED)


def read_applied(data_dir: Path) -> Snapshot | None:
    """Return what was last taken over, None when nothing was. Raises ConfigurationError for a file that is not ours."""
    file = data_dir / APPLIED
    try:
        return msgspec.json.decode(file.read_bytes(), type=Snapshot)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as err:
        raise ConfigurationError(f"{file}: not a snapshot of a configuration: {err}") from err


def _digest(text: str, salt: str) -> str:
    return _DIGEST + hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest() if text else ""


def _conceal_named(value: Any, salt: str, *, is_secret: bool = False) -> Any:
    """Replace what is a secret by its name: settings of plugins are not typed here."""
    if isinstance(value, dict):
        return {
            key: _conceal_named(held, salt, is_secret=is_secret or bool(_SECRET_KEY.search(key)))
            for key, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [_conceal_named(held, salt, is_secret=is_secret) for held in value]
    if not isinstance(value, str) or value.startswith(_DIGEST):
        return value
    return _digest(value, salt) if is_secret else _URL_PASSWORD.sub(_conceal_password(salt), value)


def _conceal_password(salt: str) -> Any:
    def replaced(found: re.Match[str]) -> str:
        return f"{found[1]}:{_digest(found[0], salt)}@"

    return replaced


def _leaves(value: Any, path: KeyPath = ()) -> list[tuple[KeyPath, Any]]:
    if isinstance(value, Mapping):
        return [leaf for key, held in value.items() for leaf in _leaves(held, (*path, key))]
    return [(path, value)]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return re.sub(rf"{_DIGEST}[0-9a-f]+", "***", text)
