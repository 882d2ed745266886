"""A collector of traces: a small HTTP server that takes what programs send by OTLP."""

from __future__ import annotations

import gzip
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/v1/traces"
# Programs send what they have recorded this often; by default every 5 s.
SCHEDULE_DELAY_MS = 50


@dataclass(frozen=True)
class SentSpan:
    """A span as it came. Ids are hexadecimal; parent is "" for the first span of a trace."""

    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    is_error: bool
    service: str


@dataclass
class Collector:
    """What has come, and how to send to it."""

    environment: dict[str, str] = field(default_factory=dict)
    spans: list[SentSpan] = field(default_factory=list)
    raw: bytes = b""

    def of(self, trace: str) -> list[SentSpan]:
        return [span for span in self.spans if span.trace == trace]

    def named(self, name: str) -> list[SentSpan]:
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        self.raw += body
        request = ExportTraceServiceRequest.FromString(body)
        for of_resource in request.resource_spans:
            service = _attributes(of_resource.resource)["service.name"]
            for of_scope in of_resource.scope_spans:
                self.spans += [_span(span, service) for span in of_scope.spans]


@contextmanager
def collector() -> Iterator[Collector]:
    """Run a collector on a free port of this machine."""
    made = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == PATH
            made.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        made.environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": str(SCHEDULE_DELAY_MS),
        }
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def _span(span: Any, service: str) -> SentSpan:
    return SentSpan(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_attributes(span),
        links=[(one.trace_id.hex(), one.span_id.hex()) for one in span.links],
        is_error=span.status.code == span.status.STATUS_CODE_ERROR,
        service=service,
    )


def _attributes(holder: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}
