"""Tracing as the settings ask for it."""

from typing import TYPE_CHECKING

from gatewayz.config.sections.tracing import Tracing
from gatewayz.sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from gatewayz.telemetry.tracing.otel import OtelTracing

__all__ = ["open_tracing"]


def open_tracing(settings: Tracing) -> "OtelTracing | None":
    """Return what begins traces, None where tracing is off: then nothing of OpenTelemetry is imported.

    Raises ConfigurationError when it is on and the extra is not installed.
    """
    if not settings.enabled:
        return None
    try:
        from gatewayz.telemetry.tracing.otel import OtelTracing  # noqa: PLC0415  (takes a second to import)
    except ModuleNotFoundError as err:
        raise ConfigurationError(
            f"tracing is enabled and {err.name} is not installed: pip install 'gatewayz[otel]'"
        ) from err
    return OtelTracing(settings)
