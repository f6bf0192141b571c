"""An instance of any plugin kind."""

from typing import Any, Final, Literal

import msgspec

__all__ = ["NOTHING", "PluginEntry"]

NOTHING: Final = "none"
"""`use: none` asks for no plugin, where the gateway can do without one."""


class PluginEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An instance of a plugin: `use` names the implementation, the rest are its settings.

    `enabled: auto` switches it on when its own settings say that it is configured (a provider whose
    `api_key` is written and resolves to nothing is off).
    """

    use: str
    enabled: bool | Literal["auto"] = "auto"
    settings: dict[str, Any] = {}
    """Every other key of the entry, decoded by the plugin's own settings type."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(use={self.use!r}, enabled={self.enabled!r})"  # the settings hold secrets
