"""Kafka records into MySQL rows: the consumer, driven by Lambda or by the local poll runner."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain.errors import LedgerRefusedError, UnavailableError
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.events import kafka as kafka_event
from handlers.gc_pause import gc_paused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@gc_paused()
def consume_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Write one batch; return Lambda's partial batch response.

    Raises UnavailableError when MySQL is unreachable: then nothing of the batch is acknowledged,
    and Lambda sends all of it again. All other failures are handled here, since a record that
    always fails would block its partition forever.
    """
    started = time.perf_counter()
    accepted, failed = kafka_event.decode(event)
    unwritten: list[Record] = []
    try:
        settlements = wiring.ledger().write(accepted, failed)
    except LedgerRefusedError as error:
        settlements, unwritten = _write_one_by_one(accepted, failed, error)
    _settle(settlements)
    log.info(
        "consume_handler",
        {
            "request_id": getattr(context, "aws_request_id", ""),
            "records": len(accepted) + len(failed),
            "undecodable": len(failed),
            "unwritten": len(unwritten),
            "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        },
    )
    return {"batchItemFailures": _lowest_of_each_partition(unwritten)}


def _write_one_by_one(
    accepted: Sequence[DecodedRecord], failed: Sequence[FailedEvent], reason: LedgerRefusedError
) -> tuple[list[Settlement], list[Record]]:
    """Find the records that MySQL refuses, store them as failed events, write all others.

    Returns what to settle, and the records that could not be stored even as failed events.
    """
    log.warning("MySQL refused a batch; writing its records one by one", {"error": reason.args[:1]})
    settlements: list[Settlement] = []
    unwritten: list[Record] = []
    items: list[DecodedRecord | FailedEvent] = [*accepted, *failed]
    for item in items:
        try:
            settlements += _write_one(item)
        except LedgerRefusedError:
            log.exception("a record can be kept nowhere", {"place": _position(item.record)})
            unwritten.append(item.record)
    return settlements, unwritten


def _write_one(item: DecodedRecord | FailedEvent) -> list[Settlement]:
    ledger = wiring.ledger()
    if isinstance(item, FailedEvent):
        return ledger.write([], [item])
    try:
        return ledger.write([item], [])
    except LedgerRefusedError as error:
        coupon = item.coupon
        detail = f"MySQL error {error.args[0] if error.args else 'unknown'}"
        ids = coupon.campaign_id, coupon.user_id
        ledger.write([], [FailedEvent(item.record, Reason.NOT_INSERTED, detail, *ids)])
        # The redrive retries it now. If it stayed pending, the relay would send it forever.
        return [Settlement(*ids, coupon.serial, SettledAs.FAILED_EVENT, coupon.fence)]


def _settle(settlements: Sequence[Settlement]) -> None:
    """Settle in Redis. The rows are committed: a Redis that is down must not block the topic.

    What is not settled stays pending in Redis; it is settled after the relay has sent it again.
    """
    try:
        wiring.admissions().settle(settlements)
    except UnavailableError:
        log.exception("written but not settled", {"coupons": len(settlements)})


def _lowest_of_each_partition(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return item identifiers: Lambda repeats a partition from its lowest failed offset."""
    lowest: dict[str, int] = {}
    for record in records:
        name = kafka_event.partition_name(record)
        lowest[name] = min(record.offset, lowest.get(name, record.offset))
    return [
        {"itemIdentifier": {"partition": name, "offset": offset}} for name, offset in lowest.items()
    ]


def _position(record: Record) -> str:
    return f"{kafka_event.partition_name(record)}@{record.offset}"
