"""Spans of inference requests. `otel` alone imports OpenTelemetry, and is itself imported only where tracing is on."""
