"""Lambda's Kafka event: from MSK (aws:kafka) or from self-managed brokers (SelfManagedKafka)."""

from __future__ import annotations

from binascii import a2b_base64
from functools import partial
from itertools import pairwise, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from handlers.domain.coupon import CouponAccepted, UndecodableError, decoded_at_once
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCES = {"aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka"}


class Decoded(NamedTuple):
    """Records of an event: the coupon messages, and those that are none, in the event's order."""

    accepted: list[DecodedRecord]
    failed: list[FailedEvent]


class NotKafkaError(ValueError):
    """The event is not from a Kafka event source mapping: the function is wired wrongly."""


def decode(event: Mapping[str, Any]) -> Decoded:
    """Return the event's records; raise NotKafkaError."""
    return _decoded(_records(event))


def in_parts(event: Mapping[str, Any], size: int) -> Iterator[Decoded]:
    """Yield the event's records, at most so many at a time, each part decoded when it is asked for.

    The first part is a third as large: nothing else happens while it is decoded. Raises
    NotKafkaError at once.
    """
    raws, first = _records(event), max(1, size // 3)
    bounds = [0, *range(first, len(raws), size), len(raws)] if raws else []
    return (_decoded(raws[start:end]) for start, end in pairwise(bounds))


def partition_name(record: Record) -> str:
    """Return the partition as Lambda names it in batchItemFailures: topic-number."""
    return f"{record.topic}-{record.partition}"


def _records(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if event.get("eventSource") not in SOURCES:
        message = f"eventSource is {event.get('eventSource')!r:.80}, not Kafka"
        raise NotKafkaError(message)
    return [raw for records in (event.get("records") or {}).values() for raw in records]


def _decoded(raws: Sequence[Mapping[str, Any]]) -> Decoded:
    coupons = _at_once(raws)
    if coupons is not None:
        origins = map(partial, repeat(_record), raws)
        return Decoded(list(map(DecodedRecord, coupons, origins)), [])
    accepted: list[DecodedRecord] = []
    failed: list[FailedEvent] = []
    for raw in raws:
        try:
            coupon = CouponAccepted.decode(_value(raw.get("value")))
        except UndecodableError as error:
            failed.append(FailedEvent(_record(raw), Reason.UNDECODABLE, str(error)))
        else:
            accepted.append(DecodedRecord(coupon, partial(_record, raw)))
    return Decoded(accepted, failed)


def _at_once(raws: Sequence[Mapping[str, Any]]) -> list[CouponAccepted] | None:
    """Return the coupons of records that are as almost all are; None where one is not."""
    try:
        values = [a2b_base64(raw["value"], strict_mode=True) for raw in raws]
    except (KeyError, TypeError, ValueError):
        return None
    return decoded_at_once(values)


def _record(raw: Mapping[str, Any]) -> Record:
    return Record(
        topic=raw["topic"],
        partition=raw["partition"],
        offset=raw["offset"],
        timestamp_ms=raw.get("timestamp") or 0,
        # The key only chose the partition: a malformed key does not fail the message.
        key=_bytes(raw.get("key")),
        value=_bytes(raw.get("value")),
        request_id=_header(raw, "request_id"),
        traceparent=_header(raw, "traceparent"),
    )


def _value(text: str | None) -> bytes | None:
    """Decode base64; raise UndecodableError when it is not base64."""
    if text is None:
        return None
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError as error:  # binascii.Error is one
        message = "the value is no base64"
        raise UndecodableError(message) from error


def _bytes(text: str | None) -> bytes | None:
    """Decode base64; return other text as it is, as bytes."""
    try:
        return _value(text)
    except UndecodableError:
        return (text or "").encode("utf-8", "surrogatepass")


def _header(raw: Mapping[str, Any], name: str) -> str:
    """Return a header's text; Lambda gives its bytes as signed numbers, as in Java."""
    for header in raw.get("headers") or []:
        if name in header:
            return _unsigned(header[name] or []).decode("utf-8", "replace")
    return ""


def _unsigned(numbers: Sequence[int]) -> bytes:
    try:
        return bytes(numbers)  # ten times as fast; ASCII has no negative numbers
    except ValueError:
        return bytes(number & 0xFF for number in numbers)
