"""The recorder on OpenTelemetry's SDK: a collector that is down, and a process that ends."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from handlers import trace_clients, wiring
from handlers.adapters import open_telemetry
from handlers.adapters.open_telemetry import OtlpRecorder
from handlers.tracing import current
from handlers.tracing.place import Place, new_span_id, new_trace_id
from handlers.tracing.settings import SamplerName, TraceSettings
from handlers.tracing.span import WRITE, Span
from tests.support.paths import ROOT
from tests.support.waiting import WAIT_S
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from handlers.tracing.span import SpanRecorder

QUEUE_SIZE = 16
ON, ON_LAMBDA = TraceSettings(is_on=True), TraceSettings(is_on=True, is_lambda=True)


class Held(SpanExporter):
    """An exporter that takes spans only once it is let go, and counts them."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.count = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.begun.set()
        self.go.wait()
        self.count += len(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.go.set()


def span() -> Span:
    place = Place(new_trace_id(), new_span_id(), is_sampled=True)
    return Span(WRITE, place, 0, 1, 2, WRITE.attributes)


def recorder(exporter: SpanExporter, settings: TraceSettings = ON) -> OtlpRecorder:
    processor = BatchSpanProcessor(
        exporter, QUEUE_SIZE, schedule_delay_millis=10, max_export_batch_size=QUEUE_SIZE
    )
    return OtlpRecorder(processor, settings, "coupon_create", "group_1")


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go.set()


def test_a_collector_that_does_not_answer_costs_spans_and_no_time(held: Held) -> None:
    made = recorder(held)
    made.record([span()])
    assert held.begun.wait(WAIT_S)
    for _ in range(1000):
        made.record([span()])  # it would wait for ever if it waited for the collector
    held.go.set()
    made.close()
    assert 0 < held.count <= 2 * QUEUE_SIZE


def test_on_lambda_what_is_recorded_is_sent_before_the_response(held: Held) -> None:
    held.go.set()
    made = recorder(held, ON_LAMBDA)
    made.record([span(), span()])
    assert held.count == 2
    made.close()


def test_on_lambda_a_collector_that_does_not_answer_is_waited_for_once_and_not_for_long(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_telemetry, "FLUSH_S_MAX", 0.05)
    made, before = recorder(held, ON_LAMBDA), set(threading.enumerate())
    for _ in range(500):
        made.record([span()])
    # Only the first one began to wait: each that does has a thread of its own.
    assert [one.name for one in set(threading.enumerate()) - before] == ["traces"]
    held.go.set()
    made.close()


def test_a_process_does_not_wait_long_for_a_collector_when_it_ends(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_telemetry, "CLOSE_S_MAX", 0.05)
    made = recorder(held)
    current.use(made)
    made.record([span()])
    made.close()
    assert not held.go.is_set()  # the collector has not answered
    assert recorded_with() is None


def test_a_collector_that_is_down_is_a_line_in_the_log_and_no_error(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a-secret-of-the-collector")
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces", timeout=1)
    made = recorder(exporter)
    with caplog.at_level(logging.WARNING):
        made.record([span()])
        made.close()
    assert caplog.records
    assert "a-secret-of-the-collector" not in caplog.text


PROGRAM = """
import json, sys
if sys.argv[1] == "absent":
    sys.modules["opentelemetry"] = None  # as if it were not installed
from handlers import trace_clients
from handlers.routes import ROUTES
from handlers.consume import consume_handler
from handlers.relay import relay_handler
from handlers.redrive import redrive_handler
from handlers.tracing import current
trace_clients.start()
names = "handlers.adapters.open_telemetry", "opentelemetry.exporter", "opentelemetry.sdk.trace"
found = [sys.modules.get(name) is not None for name in names]
json.dump([current.recorder is not None, *found], sys.stdout)
"""
DISABLED = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}


def started(packages: str, variables: dict[str, str]) -> list[bool]:
    """Start the service in a process of its own; return whether traces are on, and what is there.

    redis-py by itself imports OpenTelemetry's metrics, where that is installed.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, packages],
        cwd=ROOT,
        env=ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[bool] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("packages", ["absent", "installed"])
@pytest.mark.parametrize("variables", [{}, DISABLED], ids=["default", "disabled"])
def test_off_nothing_of_opentelemetry_is_imported_or_needed(
    packages: str, variables: dict[str, str]
) -> None:
    assert started(packages, variables) == [False, False, False, False]


def test_control_on_it_is_imported() -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert started("installed", endpoint) == [True, True, True, True]


def test_the_service_has_a_name_and_the_operators_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_telemetry._resource().attributes["service.name"] == "seonchak"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "coupons-api")
    assert open_telemetry._resource().attributes["service.name"] == "coupons-api"


@pytest.mark.parametrize(
    ("sampler", "without", "sampled", "unsampled"),
    [
        (SamplerName.ALWAYS_ON, 1.0, 1.0, 1.0),
        (SamplerName.ALWAYS_OFF, 0.0, 0.0, 0.0),
        (SamplerName.RATIO, 0.25, 0.25, 0.25),
        (SamplerName.PARENT_OR_ON, 1.0, 1.0, 0.0),
        (SamplerName.PARENT_OR_OFF, 0.0, 1.0, 0.0),
        (SamplerName.PARENT_OR_RATIO, 0.25, 1.0, 0.0),
    ],
)
def test_each_sampler_decides_as_the_specification_says(
    held: Held, sampler: SamplerName, without: float, sampled: float, unsampled: float
) -> None:
    made = recorder(held, TraceSettings(is_on=True, sampler=sampler, ratio=0.25))
    ids = [n * 2**56 + 1 for n in range(1, 256)]  # evenly over the bits that a ratio looks at

    def part(parent: Place | None) -> float:
        chosen = [
            one for one in ids if made.is_sampled(one, parent and parent._replace(trace_id=one))
        ]
        return round(len(chosen) / len(ids), 2)

    assert part(None) == without
    assert part(Place(1, 1, is_sampled=True)) == sampled
    assert part(Place(1, 1, is_sampled=False)) == unsampled
    held.go.set()
    made.close()


def test_start_records_from_then_on_until_the_clients_are_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    trace_clients.start()
    assert recorded_with() is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    wiring.reset()
    trace_clients.start()
    made = trace_clients.span_recorder()
    assert recorded_with() is made
    assert (made.topic, made.group) == ("coupon_create", "group_1")
    wiring.reset()
    assert recorded_with() is None


def recorded_with() -> SpanRecorder | None:
    return current.recorder
