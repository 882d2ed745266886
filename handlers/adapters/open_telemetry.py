"""Gives spans to OpenTelemetry's SDK, which sends them by OTLP in a thread of its own.

The spans are whole by then, so the SDK's tracers, contexts and instrumentations are not used: its
samplers decide, and its span processor queues, drops what is too much, sends and tries again.
"""

from __future__ import annotations

import atexit
import threading
from typing import TYPE_CHECKING, ClassVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from handlers.tracing import current

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.tracing.place import Place
    from handlers.tracing.settings import TraceSettings
    from handlers.tracing.span import Span

# On AWS Lambda: a collector in the same function answers within milliseconds. Without it no
# response waits longer than this, and while an attempt goes on, none waits at all.
FLUSH_S_MAX = 0.2
# A process that ends does not wait longer for a collector that does not answer.
CLOSE_S_MAX = 2.0
SERVICE = "seonchak"
# What the SDK calls a service without a name.
UNKNOWN_SERVICE = "unknown_service"
OF_THE_PARENT = "parentbased_"
NO_PARENT = Context()
UNSET, FAILED = Status(), Status(StatusCode.ERROR)
NO_LINKS: tuple[Link, ...] = ()
SCOPE = InstrumentationScope(SERVICE)


class OtlpRecorder:
    """Takes the spans of this process; safe to use from many threads."""

    _kinds: ClassVar = {kind.name: kind for kind in SpanKind}

    def __init__(
        self, processor: SpanProcessor, settings: TraceSettings, topic: str, group: str
    ) -> None:
        """processor: queues and exports; it is closed with this."""
        self.topic = topic
        self.group = group
        self._processor = processor
        self._root = _root(settings)
        asks_parent = settings.sampler.startswith(OF_THE_PARENT)
        self._sampler = ParentBased(self._root) if asks_parent else self._root
        self._waits = settings.is_lambda
        self._resource = _resource()
        self._flush: threading.Thread | None = None
        self._lock = threading.Lock()

    @classmethod
    def connect(cls, settings: TraceSettings, topic: str, group: str) -> OtlpRecorder:
        """Return one that sends to the endpoint of the environment, also when the process ends."""
        recorder = cls(BatchSpanProcessor(OTLPSpanExporter()), settings, topic, group)
        atexit.register(recorder.close)
        return recorder

    def is_sampled(self, trace_id: int, parent: Place | None = None) -> bool:
        """Return whether a trace is recorded; `parent` is its span in another process."""
        if parent is None:  # asked directly: a third of the time, for every request
            found = self._root.should_sample(NO_PARENT, trace_id, "")
        else:
            context = set_span_in_context(NonRecordingSpan(_context(parent)), NO_PARENT)
            found = self._sampler.should_sample(context, trace_id, "")
        return found.decision is Decision.RECORD_AND_SAMPLE

    def record(self, spans: Sequence[Span]) -> None:
        """Queue spans. On AWS Lambda, wait a moment until they are sent: it stops the process."""
        for span in spans:
            self._processor.on_end(self._readable(span))
        if self._waits:
            self._send_now()

    def close(self) -> None:
        """Send what is queued, within CLOSE_S_MAX."""
        atexit.unregister(self.close)
        if current.recorder is self:
            current.use(None)
        _run(self._processor.shutdown, CLOSE_S_MAX)

    def _send_now(self) -> None:
        with self._lock:
            if self._flush is not None and self._flush.is_alive():
                return
            self._flush = _run(self._processor.force_flush, FLUSH_S_MAX)

    def _readable(self, span: Span) -> ReadableSpan:
        parent = span.place._replace(span_id=span.parent_id) if span.parent_id else None
        links = [Link(_context(place)) for place in span.links] if span.links else NO_LINKS
        return ReadableSpan(
            name=span.step.name,
            context=_context(span.place),
            parent=_context(parent) if parent else None,
            resource=self._resource,
            attributes=span.attributes,
            links=links,
            kind=self._kinds[span.step.kind.name],
            instrumentation_scope=SCOPE,
            status=FAILED if span.error else UNSET,
            start_time=span.begun_ns,
            end_time=span.ended_ns,
        )


def _run(work: Callable[[], object], seconds: float) -> threading.Thread:
    """Let a thread do `work`; return it when it is done or `seconds` are over."""
    thread = threading.Thread(target=work, name="traces", daemon=True)
    thread.start()
    thread.join(seconds)
    return thread


def _context(place: Place) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if place.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(place.trace_id, place.span_id, is_remote=True, trace_flags=flags)


def _resource() -> Resource:
    found = Resource.create()
    if str(found.attributes.get(SERVICE_NAME, UNKNOWN_SERVICE)).startswith(UNKNOWN_SERVICE):
        found = found.merge(Resource({SERVICE_NAME: SERVICE}))
    return found


def _root(settings: TraceSettings) -> Sampler:
    """Return what decides about a trace that begins here."""
    name = settings.sampler.removeprefix(OF_THE_PARENT)
    roots = {"always_on": ALWAYS_ON, "always_off": ALWAYS_OFF}
    return roots.get(name) or TraceIdRatioBased(settings.ratio)
