"""What every plugin's module and settings type must keep, whatever its kind."""

import subprocess
import sys
from typing import Any, ClassVar, Final

import msgspec
import pytest

from gatewayz.sdk.secret import Secret
from gatewayz.sdk.testing.playing import NOWHERE, fill

__all__ = ["SettingsContract", "decode_settings", "settings_schema"]

IMPORT_BUDGET_S: Final = 1.0
"""Processor seconds of a cold import of the plugin with everything it needs; generous, for slow machines."""

_IMPORT_CHECK: Final = """
import socket, sys, time
def refuse(*args, **kwargs):
    raise SystemExit("a socket was opened at import")
socket.socket.connect = socket.socket.bind = socket.getaddrinfo = socket.create_connection = refuse
started = time.process_time()
import importlib
importlib.import_module(sys.argv[1])
print(time.process_time() - started)
"""


def decode_settings(settings: type[msgspec.Struct], values: dict[str, Any]) -> Any:
    """Return the typed settings as the loader makes them."""

    def decode_secret(kind: type, value: Any) -> Any:
        if kind is Secret and isinstance(value, str):
            return Secret(value)
        raise TypeError(f"cannot decode {kind}")

    return msgspec.convert(values, settings, dec_hook=decode_secret)


def settings_schema(settings: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON Schema of a settings type."""

    def secret_schema(kind: type) -> dict[str, Any]:
        if kind is Secret:
            return {"type": "string"}
        raise TypeError(f"no schema for {kind}")

    return msgspec.json.schema(settings, schema_hook=secret_schema)


class SettingsContract:
    """Subclass and name the module, the settings type and a sample."""

    module: ClassVar[str]
    """Import path of the plugin."""
    settings: ClassVar[type[msgspec.Struct]]
    sample: ClassVar[dict[str, Any]]
    """Settings that work, as in YAML; `{base_url}` and `{secret}` are filled in."""

    def values(self, base_url: str = NOWHERE) -> dict[str, Any]:
        """Return the sample with its place-holders replaced."""
        filled: dict[str, Any] = fill(self.sample, base_url)
        return filled

    def test_import_is_quick_and_opens_no_socket(self) -> None:
        done = subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", _IMPORT_CHECK, self.module], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) < IMPORT_BUDGET_S

    def test_sample_decodes(self) -> None:
        settings = decode_settings(self.settings, self.values())
        is_configured = getattr(settings, "is_configured", None)
        assert is_configured is None or is_configured() is True

    def test_unknown_key_is_refused(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="unknown"):
            decode_settings(self.settings, {**self.values(), "surely_unknown": 1})

    def test_schema_names_every_setting(self) -> None:
        schema = settings_schema(self.settings)
        properties = schema["$defs"][self.settings.__name__]["properties"]
        assert set(properties) == {field.encode_name for field in msgspec.structs.fields(self.settings)}

    def test_secrets_do_not_print(self) -> None:
        settings = decode_settings(self.settings, self.values())
        shown = f"{settings!r} {settings}"
        for field in msgspec.structs.fields(self.settings):
            value = getattr(settings, field.name)
            secrets = value.values() if isinstance(value, dict) else (value,)
            for secret in secrets:
                if isinstance(secret, Secret) and secret:
                    assert secret.reveal() not in shown
