"""The spans of one HTTP request, made when its response is known.

By then it is known whose trace they are: that of the coupon which the request was admitted for, or
one of its own. A caller's `traceparent` is only linked to: any client of the public interface
could otherwise decide what is recorded, and in which trace it is.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from handlers.tracing import current
from handlers.tracing.caller import callers_of, linked
from handlers.tracing.place import Place, ids_of_coupon, new_span_id, new_trace_id
from handlers.tracing.span import (
    ADMIT,
    CAMPAIGN_ID,
    ERROR_TYPE,
    LINKS_MAX,
    OTHER_ERROR,
    OUTCOME,
    SERIAL,
    Span,
    SpanKind,
    Step,
    messaging,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from handlers.tracing.span import SpanRecorder

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
# Probes, every second or so, from everywhere.
UNTRACED = frozenset({"/health", "/ready"})
BATCH_SIZE = "db.operation.batch.size"


class _Done(NamedTuple):
    """A step that one or more requests took together; group: its own span, if they were several."""

    step: Step
    begun_ns: int
    ended_ns: int
    size: int
    group: Place | None


class RequestTrace:
    """What one request did. Its place is known once it was admitted or has its response."""

    __slots__ = ("_parent_id", "_recorder", "_send_id", "_serial", "_steps", "place")

    def __init__(self, recorder: SpanRecorder) -> None:
        self._recorder = recorder
        self._steps: list[tuple[_Done, str]] = []
        self._parent_id = self._send_id = self._serial = 0
        self.place: Place | None = None

    @property
    def recorder(self) -> SpanRecorder:
        """What the spans go to."""
        return self._recorder

    @property
    def first_step(self) -> _Done | None:
        """What it did first."""
        return self._steps[0][0] if self._steps else None

    def admitted(
        self, campaign_id: str, serial: int, admitted_at_ms: int, *, is_first: bool
    ) -> str:
        """Move to the trace of a coupon; return the header for its record.

        is_first: this request is the one that was admitted, and so the first span of the trace.
        """
        trace_id, first_id = ids_of_coupon(campaign_id, serial, admitted_at_ms)
        is_sampled = self._recorder.is_sampled(trace_id)
        self._serial, self._send_id = serial, new_span_id()
        if is_first:
            self.place = Place(trace_id, first_id, is_sampled)
        else:
            self.place, self._parent_id = Place(trace_id, new_span_id(), is_sampled), first_id
        return Place(trace_id, self._send_id, is_sampled).header()

    def did(self, done: _Done, error: str) -> None:
        """Note a step, and the type of its error; "" for none."""
        self._steps.append((done, error))

    def finish(self, event: Mapping[str, Any], fields: Mapping[str, Any], started_s: float) -> None:
        """Record the request and its steps, if its trace is sampled.

        fields: those of its line in the log. started_s: by time.perf_counter().
        """
        route = _route(event)
        if self.place is None:
            self.place = _own_place(self._recorder)
        if not self.place.is_sampled or route in UNTRACED:
            return
        ended_ns = time.time_ns()
        begun_ns = ended_ns - int((time.perf_counter() - started_s) * 1e9)
        known = {name: fields[key] for name, key in OWN_FIELDS.items() if fields.get(key)}
        if self._serial:
            known[SERIAL] = self._serial
        first = _server_span(
            self.place,
            _method(_of_event(event, "httpMethod", "httpMethod")),
            route,
            known,
            (fields["status"], str(fields["outcome"])),
            (begun_ns, ended_ns),
            callers_of(event),
        )._replace(parent_id=self._parent_id)
        self._recorder.record([first, *(self._child(done, error) for done, error in self._steps)])

    def _child(self, done: _Done, error: str) -> Span:
        assert self.place is not None  # noqa: S101 - a bug of ours
        is_send = done.step.kind is SpanKind.PRODUCER
        span_id = self._send_id if is_send else new_span_id()
        attributes = dict(done.step.attributes)
        if done.size > 1 and not is_send:
            attributes[BATCH_SIZE] = done.size
        if error:
            attributes[ERROR_TYPE] = error
        place, parent_id = self.place._replace(span_id=span_id), self.place.span_id
        links = (done.group,) if done.group else ()
        times = done.begun_ns, done.ended_ns
        return Span(done.step, place, parent_id, *times, attributes, links, error)


OWN_FIELDS = {CAMPAIGN_ID: "campaign_id", "seonchak.request_id": "request_id"}


def note(
    step: Step | None,
    traces: Iterable[RequestTrace | None],
    replies: Iterable[object],
    begun_ns: int,
) -> None:
    """Note a step of several requests with each one's reply: an error, False, or what it is.

    step: None for the sending of records. begun_ns: 0 while traces are off.
    """
    if not begun_ns:
        return
    known = [
        (trace, reply) for trace, reply in zip(traces, replies, strict=False) if trace is not None
    ]
    if not known:
        return
    chosen = step or messaging("send", SpanKind.PRODUCER, known[0][0].recorder.topic)
    is_group = chosen is ADMIT and len(known) > 1
    group = Place(new_trace_id(), new_span_id(), is_sampled=True) if is_group else None
    done = _Done(chosen, begun_ns, time.time_ns(), len(known), group)
    for trace, reply in known:
        trace.did(done, _error_type(reply))


def record_group(traces: Iterable[RequestTrace | None]) -> None:
    """Record the admission that several requests shared: one span that is linked to each.

    To be called once each of them has its place.
    """
    if current.recorder is None:
        return
    known = [trace for trace in traces if trace is not None]
    done = known[0].first_step if known else None
    sampled = [trace.place for trace in known if trace.place and trace.place.is_sampled]
    if done is None or done.group is None or not sampled:
        return
    attributes = {**done.step.attributes, BATCH_SIZE: done.size}
    times = done.begun_ns, done.ended_ns
    links = tuple(sampled[:LINKS_MAX])
    known[0].recorder.record([Span(done.step, done.group, 0, *times, attributes, links)])


def record_from_memory(
    recorder: SpanRecorder,
    call: tuple[str, str],
    traceparents: Sequence[str],
    answer: tuple[int, bytes],
    begun_ns: int,
) -> None:
    """Record a request that a server answered from memory, without a handler.

    call: method and route. answer: status and body, which names the outcome.
    """
    method, route = call
    if route in UNTRACED or not (place := _own_place(recorder)).is_sampled:
        return
    status, body = answer
    outcome = json.loads(body).get("code", "")
    callers = linked(traceparents)
    times = begun_ns, time.time_ns()
    recorder.record(
        [_server_span(place, _method(method), route, {}, (status, outcome), times, callers)]
    )


def _server_span(
    place: Place,
    method: str,
    route: str,
    attributes: Mapping[str, str | int],
    result: tuple[int, str],
    times: tuple[int, int],
    callers: tuple[Place, ...],
) -> Span:
    status, outcome = result
    error = (outcome or OTHER_ERROR) if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    known = {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": status,
        OUTCOME: outcome,
        **attributes,
    }
    if error:
        known[ERROR_TYPE] = error
    step = Step(f"{method} {route}", SpanKind.SERVER, known)
    return Span(step, place, 0, *times, known, callers, error)


def _own_place(recorder: SpanRecorder) -> Place:
    trace_id = new_trace_id()
    return Place(trace_id, new_span_id(), recorder.is_sampled(trace_id))


def _error_type(reply: object) -> str:
    if isinstance(reply, Exception):
        return type(reply).__name__
    return OTHER_ERROR if reply is False else ""


def _method(method: object) -> str:
    return method if isinstance(method, str) and method in METHODS else "_OTHER"


def _of_event(event: Mapping[str, Any], name: str, name_in_context: str) -> object:
    """Return a field; Chalice's local gateway has it in the request's context only."""
    value, request = event.get(name), event.get("requestContext")
    return request.get(name_in_context) if value is None and isinstance(request, dict) else value


def _route(event: Mapping[str, Any]) -> str:
    """Return the path's template: the path itself may hold a user's id or a coupon's code."""
    route = _of_event(event, "resource", "resourcePath")
    return route if isinstance(route, str) else ""
