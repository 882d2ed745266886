"""Spans as this service makes them: whole, once their work is done.

Names and attributes follow OpenTelemetry's semantic conventions for HTTP, databases and messaging;
`seonchak.…` are our own. None of them holds a user's id, a token or a path with its values.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handlers.tracing.place import Place

# OpenTelemetry's default for a span; a batch may have more records.
LINKS_MAX = 128
# OpenTelemetry's word for a failure that is no exception.
OTHER_ERROR = "_OTHER"
ERROR_TYPE = "error.type"
OUTCOME = "seonchak.outcome"
CAMPAIGN_ID = "seonchak.campaign_id"
SERIAL = "seonchak.serial"


class SpanKind(Enum):
    """What a span is to the ones around it; OpenTelemetry has the same names."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


class Step(NamedTuple):
    """A kind of work that spans are made of."""

    name: str
    kind: SpanKind
    attributes: Mapping[str, str | int]


class Span(NamedTuple):
    """Work that is done.

    parent_id: of its parent's span in the same trace; 0 for the first span of a trace.
    error: its type, "" for none. Times are ns since 1970.
    """

    step: Step
    place: Place
    parent_id: int
    begun_ns: int
    ended_ns: int
    attributes: Mapping[str, str | int]
    links: tuple[Place, ...] = ()
    error: str = ""


class SpanRecorder(Protocol):
    """What takes spans; nothing waits for a server here, except on AWS Lambda and at the end.

    topic, group: of the coupons in Kafka, and of their consumers.
    """

    topic: str
    group: str

    def is_sampled(self, trace_id: int, parent: Place | None = None) -> bool:
        """Return whether a trace is recorded; `parent` is its span in another process."""

    def record(self, spans: Sequence[Span]) -> None:
        """Take the spans of a sampled trace, or forget them where there is no room."""

    def close(self) -> None:
        """Send what was taken, within a bounded time."""


def _redis(script: str) -> Step:
    attributes = {
        "db.system.name": "redis",
        "db.operation.name": "EVALSHA",
        "db.stored_procedure.name": script,
    }
    return Step(f"EVALSHA {script}", SpanKind.CLIENT, MappingProxyType(attributes))


def messaging(operation: str, kind: SpanKind, topic: str) -> Step:
    """Return a step of Kafka: "send" or "process"."""
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }
    return Step(f"{operation} {topic}", kind, MappingProxyType(attributes))


ADMIT = _redis("admission/admit")
CONFIRM = _redis("admission/confirm")
SETTLE = _redis("admission/settle")
# The whole transaction, to its commit.
WRITE = Step(
    "INSERT coupon",
    SpanKind.CLIENT,
    MappingProxyType(
        {
            "db.system.name": "mysql",
            "db.operation.name": "INSERT",
            "db.collection.name": "coupon",
        }
    ),
)
REDRIVE = Step("redrive failed_event", SpanKind.INTERNAL, MappingProxyType({}))
