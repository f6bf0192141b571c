"""A provider instance's credentials by label, each with circuits of its own."""

from collections.abc import Iterable, Mapping
from typing import Final

from gatewayz.sdk.errors import UpstreamError
from gatewayz.sdk.secret import Secret

__all__ = ["Redactor", "are_configured", "labelled"]

_SHORTEST: Final = 6
"""Shorter values are no secrets (`none`, `test`) and would mangle ordinary words."""


def labelled(api_key: Secret | None, api_keys: Mapping[str, Secret]) -> dict[str, Secret]:
    """Return label to secret: `api_key` is `default`, empty ones are left out."""
    every: dict[str, Secret] = {} if api_key is None else {"default": api_key}
    every.update(api_keys)
    return {label: secret for label, secret in every.items() if secret}


def are_configured(api_key: Secret | None, api_keys: Mapping[str, Secret]) -> bool:
    """True unless keys are written and all of them resolve to nothing."""
    return (api_key is None and not api_keys) or bool(labelled(api_key, api_keys))


class Redactor:
    """Takes a provider's own secrets out of its error messages: some vendors quote the key they were sent."""

    __slots__ = ("_values",)

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._values = tuple(s.reveal() for s in secrets if len(s.reveal()) >= _SHORTEST)

    def redact(self, error: UpstreamError) -> UpstreamError:
        """Return the same error with every secret in its message replaced."""
        message = error.message
        for value in self._values:
            message = message.replace(value, "***")
        if message != error.message:
            error.message = message
            error.args = (message,)
        return error
