"""Lambda's Kafka event: from MSK (aws:kafka) or from self-managed brokers (SelfManagedKafka)."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

from handlers.domain.coupon import CouponAccepted, UndecodableError
from handlers.domain.record import Accepted, FailedEvent, Reason, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCES = {"aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka"}


class NotKafkaError(ValueError):
    """The event comes from no Kafka event source mapping: the function is wired wrongly."""


def decode(event: Mapping[str, Any]) -> tuple[list[Accepted], list[FailedEvent]]:
    """Return the records that are coupon messages and those that are not, in the event's order."""
    if event.get("eventSource") not in SOURCES:
        message = f"eventSource is {event.get('eventSource')!r:.80}, not Kafka"
        raise NotKafkaError(message)
    accepted: list[Accepted] = []
    failed: list[FailedEvent] = []
    for raw in _records(event):
        record, flaw = _record(raw)
        try:
            if flaw:
                raise UndecodableError(flaw)  # noqa: TRY301 - one way out for both kinds of flaw
            accepted.append(Accepted(record, CouponAccepted.decode(record.value)))
        except UndecodableError as error:
            failed.append(FailedEvent(record, Reason.UNDECODABLE, str(error)))
    return accepted, failed


def partition_name(record: Record) -> str:
    """Return the partition as Lambda names it in batchItemFailures: topic-number."""
    return f"{record.topic}-{record.partition}"


def _records(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for records in (event.get("records") or {}).values():
        yield from records


def _record(raw: Mapping[str, Any]) -> tuple[Record, str]:
    """Return the record, and what is wrong with its value's encoding ("" when nothing is)."""
    # The key only chose the partition: a message is not lost because of it.
    key, _ = _bytes(raw.get("key"))
    value, flaw = _bytes(raw.get("value"))
    record = Record(
        topic=raw["topic"],
        partition=raw["partition"],
        offset=raw["offset"],
        timestamp_ms=raw.get("timestamp") or 0,
        key=key,
        value=value,
        request_id=_header(raw, "request_id"),
    )
    return record, flaw


def _bytes(text: str | None) -> tuple[bytes | None, str]:
    """Decode base64; what is none is kept as it came, with the flaw."""
    if text is None:
        return None, ""
    try:
        return binascii.a2b_base64(text, strict_mode=True), ""
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass"), "the value is no base64"


def _header(raw: Mapping[str, Any], name: str) -> str:
    """Return a header's text; Lambda gives its bytes as signed numbers, as Java has them."""
    for header in raw.get("headers") or []:
        if name in header:
            return _unsigned(header[name] or []).decode("utf-8", "replace")
    return ""


def _unsigned(numbers: Sequence[int]) -> bytes:
    try:
        return bytes(numbers)  # ASCII has no negative ones, and this is ten times as fast
    except ValueError:
        return bytes(number & 0xFF for number in numbers)
