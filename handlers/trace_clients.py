"""Builds what records traces, where they are on (handlers/tracing/settings.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.once import once
from handlers.tracing import current
from handlers.tracing.settings import TraceSettings

if TYPE_CHECKING:
    from handlers.adapters.open_telemetry import OtlpRecorder


def start() -> None:
    """Record traces in this process from here on, if they are on; raise ConfigurationError."""
    if TraceSettings.from_environment().is_on:
        current.use(span_recorder())


@once
def span_recorder() -> OtlpRecorder:
    """Return the recorder that sends spans by OTLP."""
    from handlers.adapters.open_telemetry import OtlpRecorder

    chosen = wiring.settings()
    traces = TraceSettings.from_environment()
    return OtlpRecorder.connect(traces, chosen.coupon_topic, chosen.consumer_group)
