"""Faults and traces for programs of others, where a setting asks for it: Sentry, and OpenTelemetry (OTLP)."""

import os

from django.core.exceptions import ImproperlyConfigured

_started: list[int] = []  # process ids: the thread that sends does not survive a fork


def start_sentry(dsn: str, *, release: str, traces_percent: int) -> None:
    """Reports faults, and the course of so many requests and tasks; without a DSN nothing is loaded."""
    if not dsn:
        return
    import sentry_sdk

    sentry_sdk.init(dsn=dsn, release=release or None, traces_sample_rate=traces_percent / 100, send_default_pii=False)


def start_tracing(service: str) -> None:
    """Sends spans of requests, tasks, queries and Valkey to OTEL_EXPORTER_OTLP_ENDPOINT; unset, nothing is loaded.

    OpenTelemetry reads its other variables itself (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and so on). Call it
    in the process that works, not in the one that forks it.

    Raises:
        ImproperlyConfigured: the packages are not installed.
    """
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or os.getpid() in _started:
        return
    _started.append(os.getpid())
    os.environ.setdefault("OTEL_SERVICE_NAME", service)
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
        from opentelemetry.instrumentation.redis import RedisInstrumentor
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, and {error.name} is not installed. "
            "Install it by `uv pip install '.[tracing]'`, or leave the variable unset."
        ) from error
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    for instrumentor in (DjangoInstrumentor, CeleryInstrumentor, PsycopgInstrumentor, RedisInstrumentor):
        instrumentor().instrument()
