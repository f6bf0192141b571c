"""Settings of the spans sent to a collector."""

from typing import Annotated

from msgspec import Meta

from gatewayz.config.sections.base import Positive, PositiveInt, Section
from gatewayz.sdk.secret import Secret

__all__ = ["Tracing"]


class Tracing(Section, frozen=True, kw_only=True):
    """OpenTelemetry: spans of inference requests over OTLP (HTTP, protobuf). Needs the extra `otel`."""

    enabled: bool = False
    endpoint: str = "http://127.0.0.1:4318/v1/traces"
    """Where a collector takes traces."""
    headers: dict[str, Secret] = {}
    """Sent with every export, such as a key of the collector."""
    sample: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """Share of requests traced when the caller does not say; a caller's `traceparent` decides for its own."""
    service_name: str = "gatewayz"
    export_s: Positive = 5.0
    """How often spans are sent."""
    timeout_s: Positive = 10.0
    """How long one export may take."""
    max_pending: PositiveInt = 4096
    """Spans kept while the collector is away; more are lost."""
