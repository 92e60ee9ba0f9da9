"""OpenTelemetry: FastAPI writes the spans, where the SDK is installed and an endpoint named."""

from __future__ import annotations

from importlib.util import find_spec

from opentelemetry import trace

from .messages import Reply


def has_exporter() -> bool:
    """Whether what sends spans is installed; `OTEL_EXPORTER_OTLP_ENDPOINT` says where to."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def describe_span(reply: Reply) -> None:
    """Add to the span of the present request which version has answered it."""
    trace.get_current_span().set_attributes(
        {
            "lockstep.model": reply.model,
            "lockstep.version": reply.version,
            "lockstep.run": reply.run,
            "lockstep.rows": len(reply.answers),
        }
    )
