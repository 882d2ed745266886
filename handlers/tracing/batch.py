"""The spans of a batch of coupons: consumed, redriven, or sent again.

Each coupon's part is in the trace of that coupon, as a child of the span that its record names, or
of the press. What a batch of several has in common is one span, linked to each of them and they to
it. A batch is traced as far as its coupons are.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from handlers.tracing import current
from handlers.tracing.place import Place, ids_of_coupon, new_span_id, new_trace_id, parse
from handlers.tracing.span import (
    CAMPAIGN_ID,
    ERROR_TYPE,
    LINKS_MAX,
    OTHER_ERROR,
    OUTCOME,
    REDRIVE,
    SERIAL,
    SETTLE,
    WRITE,
    Span,
    SpanKind,
    Step,
    messaging,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from handlers.tracing.span import SpanRecorder

GROUP = "messaging.consumer.group.name"
BATCH_SIZE = "messaging.batch.message_count"
SENT_BY = "seonchak.sent_by"


class TracedCoupon(Protocol):
    """A coupon, as far as its trace depends on it."""

    @property
    def campaign_id(self) -> str:
        """The campaign's id."""

    @property
    def serial(self) -> int:
        """The serial."""

    @property
    def admitted_at_ms(self) -> int:
        """When Redis gave it."""


class TracedRecord(Protocol):
    """A record from Kafka."""

    @property
    def topic(self) -> str:
        """The topic."""

    @property
    def partition(self) -> int:
        """The partition."""

    @property
    def offset(self) -> int:
        """The offset."""

    @property
    def traceparent(self) -> str:
        """Its header of that name, or ""."""


class Item(NamedTuple):
    """A coupon or a record of a batch: what it is a child of, and what is known about it."""

    step: Step
    parent: Place
    attributes: dict[str, str | int]


Items = Callable[["SpanRecorder"], "Iterable[Item]"]


class Work:
    """Work on a batch: in a block, and with `written` between the commit and the settling."""

    __slots__ = ("_begun_ns", "_items", "_written_ns")

    def __init__(self, items: Items | None = None) -> None:
        """items: asked for at the end, and only while traces are on; or given to `written`."""
        self._items = items
        self._written_ns = 0

    def __enter__(self) -> Self:
        self._begun_ns = current.now_ns()
        return self

    def written(self, items: Items | None = None) -> None:
        """Note that the rows are committed: from here on they are settled."""
        self._written_ns = current.now_ns()
        self._items = items or self._items

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        recorder = current.recorder
        if recorder is None or self._items is None or not self._begun_ns:
            return
        items = list(self._items(recorder))
        sampled = [one for one in items if one.parent.is_sampled]
        if sampled:
            recorder.record([*self._spans(len(items), sampled, kind.__name__ if kind else "")])

    def _spans(self, size: int, sampled: list[Item], error: str) -> Iterator[Span]:
        ended_ns = time.time_ns()
        links: tuple[Place, ...] = ()
        if size > 1:
            whole = Place(new_trace_id(), new_span_id(), is_sampled=True)
            links = (whole,)
            step = sampled[0].step
            attributes = {**step.attributes, BATCH_SIZE: size, **_error(error)}
            members = tuple(one.parent for one in sampled[:LINKS_MAX])
            yield Span(step, whole, 0, self._begun_ns, ended_ns, attributes, members, error)
        for one in sampled:
            place = Place(one.parent.trace_id, new_span_id(), is_sampled=True)
            attributes = {**one.step.attributes, **one.attributes, **_error(error)}
            times = self._begun_ns, ended_ns
            yield Span(one.step, place, one.parent.span_id, *times, attributes, links, error)
            failed_to_write = error if not self._written_ns else ""
            times = self._begun_ns, self._written_ns or ended_ns
            yield _child(WRITE, place, times, failed_to_write)
            if self._written_ns:
                yield _child(SETTLE, place, (self._written_ns, ended_ns), error)


class Sending:
    """Coupons that are sent again, in the order in which headers were asked for."""

    __slots__ = ("_begun_ns", "_places", "_recorder")

    def __init__(self) -> None:
        self._recorder = current.recorder
        self._begun_ns = current.now_ns()
        self._places: list[tuple[TracedCoupon, int, Place]] = []

    def header(self, coupon: TracedCoupon) -> str:
        """Return the header for a coupon's record; "" while traces are off."""
        if self._recorder is None:
            return ""
        parent = _place_of(self._recorder, coupon)
        place = parent._replace(span_id=new_span_id())
        self._places.append((coupon, parent.span_id, place))
        return place.header()

    def sent(self, acknowledged: Sequence[bool]) -> None:
        """Record what Kafka has acknowledged of them, and what it has not."""
        if self._recorder is None:
            return
        step, ended_ns = messaging("send", SpanKind.PRODUCER, self._recorder.topic), time.time_ns()
        spans = [
            Span(
                step,
                place,
                parent_id,
                self._begun_ns,
                ended_ns,
                {**step.attributes, **_coupon(coupon), SENT_BY: "relay", **_error(error)},
                error=error,
            )
            for (coupon, parent_id, place), error in zip(
                self._places,
                ("" if one else OTHER_ERROR for one in acknowledged),
                strict=True,
            )
            if place.is_sampled
        ]
        if spans:
            self._recorder.record(spans)


def processed(records: Iterable[tuple[TracedRecord, TracedCoupon | None, str]]) -> Items:
    """Return the items of a batch from Kafka.

    records: read at the end of the block; each with its coupon, if it has one, and its outcome.
    """

    def items(recorder: SpanRecorder) -> Iterator[Item]:
        for record, coupon, outcome in records:
            parent = _parent_of(recorder, record, coupon)
            if parent is None:
                continue  # no coupon, and sent by another program
            attributes: dict[str, str | int] = {
                GROUP: recorder.group,
                "messaging.destination.partition.id": str(record.partition),
                "messaging.kafka.offset": record.offset,
                **(_coupon(coupon) if coupon else {}),
                **({OUTCOME: outcome} if outcome else {}),
            }
            yield Item(messaging("process", SpanKind.CONSUMER, record.topic), parent, attributes)

    return items


def redriven(rows: Iterable[tuple[TracedCoupon, str]]) -> Items:
    """Return the items of a redrive: the coupons of failed events, each with its new state."""

    def items(recorder: SpanRecorder) -> Iterator[Item]:
        for coupon, state in rows:
            yield Item(REDRIVE, _place_of(recorder, coupon), {**_coupon(coupon), OUTCOME: state})

    return items


def _parent_of(
    recorder: SpanRecorder, record: TracedRecord, coupon: TracedCoupon | None
) -> Place | None:
    named = parse(record.traceparent) if record.traceparent else None
    if named is not None:
        return named._replace(is_sampled=recorder.is_sampled(named.trace_id, named))
    return _place_of(recorder, coupon) if coupon else None


def _place_of(recorder: SpanRecorder, coupon: TracedCoupon) -> Place:
    """Return the place of the press that a coupon is from."""
    ids = ids_of_coupon(coupon.campaign_id, coupon.serial, coupon.admitted_at_ms)
    return Place(*ids, recorder.is_sampled(ids[0]))


def _coupon(coupon: TracedCoupon) -> dict[str, str | int]:
    return {CAMPAIGN_ID: coupon.campaign_id, SERIAL: coupon.serial}


def _error(error: str) -> dict[str, str | int]:
    return {ERROR_TYPE: error} if error else {}


def _child(step: Step, parent: Place, times: tuple[int, int], error: str) -> Span:
    place = parent._replace(span_id=new_span_id())
    return Span(
        step, place, parent.span_id, *times, {**step.attributes, **_error(error)}, (), error
    )
