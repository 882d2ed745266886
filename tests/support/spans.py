"""Spans that a test collects: in this process through OpenTelemetry's SDK, as they are exported."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from handlers.adapters.open_telemetry import OtlpRecorder
from handlers.tracing import current
from handlers.tracing.settings import TraceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

ROUTE = "/campaigns/{id}/apply"
PRESS = f"POST {ROUTE}"
ON = TraceSettings(is_on=True)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Collected:
    """What was exported, in that order."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self.exporter.get_finished_spans()

    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        [span] = self.named(name)
        return span

    def traces(self) -> dict[int, list[str]]:
        """Return the names of each trace's spans; a child is written as "parent > child"."""
        by_id = {span_id(span): span for span in self.spans}
        found: dict[int, list[str]] = {}
        for span in self.spans:
            parent = by_id.get(span.parent.span_id) if span.parent else None
            name = span.name if span.parent is None else f"{parent and parent.name} > {span.name}"
            found.setdefault(trace_id(span), []).append(name)
        return found

    def text(self) -> str:
        """Return all that was exported, as text."""
        return "".join(span.to_json() for span in self.spans)


@contextmanager
def collecting(settings: TraceSettings = ON) -> Iterator[Collected]:
    """Record the traces of this process for the block."""
    made = Collected()
    recorder = OtlpRecorder(
        SimpleSpanProcessor(made.exporter), settings, "coupon_create", "group_1"
    )
    with current.used(recorder):
        yield made


def context(span: ReadableSpan) -> tuple[int, int]:
    """Return the ids of its trace and of itself."""
    return trace_id(span), span_id(span)


def trace_id(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.trace_id
    return found


def span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.span_id
    return found


def links(span: ReadableSpan) -> list[tuple[int, int]]:
    return [(one.context.trace_id, one.context.span_id) for one in span.links]


def attributes(span: ReadableSpan) -> Mapping[str, object]:
    return dict(span.attributes or {})
