"""Kafka records into MySQL rows: the consumer, driven by Lambda or by the local poll runner."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain import metrics
from handlers.domain.errors import LedgerRefusedError, TransactionTooLargeError, UnavailableError
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.events import kafka as kafka_event
from handlers.gc_pause import gc_paused
from handlers.tracing.batch import Work, processed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from handlers.domain.coupon import CouponAccepted


@gc_paused()
def consume_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Write one batch; return Lambda's partial batch response.

    Raises UnavailableError when MySQL is unreachable: then nothing of the batch is acknowledged,
    and Lambda sends all of it again. All other failures are handled here, since a record that
    always fails would block its partition forever.
    """
    started = time.perf_counter()
    accepted, failed = kafka_event.decode(event)
    settlements: list[Settlement] = []
    with Work(processed(_traced(accepted, failed, settlements))) as work:
        unwritten = _write(accepted, failed, settlements)
        work.written()
        _settle(settlements)
    metrics.RECORDS.inc(("decoded",), len(accepted))
    metrics.RECORDS.inc(("undecodable",), len(failed))
    metrics.RECORDS.inc(("unwritten",), len(unwritten))
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


def _write(
    accepted: Sequence[DecodedRecord],
    failed: Sequence[FailedEvent],
    settlements: list[Settlement],
) -> list[Record]:
    """Add what to settle to `settlements`; return the records that could not be stored."""
    try:
        settlements += wiring.ledger().write(accepted, failed)
    except (LedgerRefusedError, TransactionTooLargeError) as error:
        log.warning("MySQL refused a batch; writing its halves", {"error": error.args[:1]})
        settled, unwritten = _write_halves([*accepted, *failed], error)
        settlements += settled
        return unwritten
    return []


def _write_halves(
    items: Sequence[DecodedRecord | FailedEvent],
    error: LedgerRefusedError | TransactionTooLargeError,
) -> tuple[list[Settlement], list[Record]]:
    """Write each half of a refused batch, and again of each refused half, down to the records.

    A record that MySQL refuses is stored as a failed event. Returns what to settle, and the
    records that could not be stored even so. Raises UnavailableError when a single record is too
    large a transaction: then the size is not what is wrong.
    """
    if len(items) == 1:
        if isinstance(error, TransactionTooLargeError):
            raise error
        return _keep_refused(items[0], error)
    middle = len(items) // 2
    settlements: list[Settlement] = []
    unwritten: list[Record] = []
    for half in (items[:middle], items[middle:]):
        accepted = [item for item in half if isinstance(item, DecodedRecord)]
        failed = [item for item in half if isinstance(item, FailedEvent)]
        try:
            settlements += wiring.ledger().write(accepted, failed)
        except (LedgerRefusedError, TransactionTooLargeError) as refusal:
            settled, left = _write_halves(half, refusal)
            settlements += settled
            unwritten += left
    return settlements, unwritten


def _keep_refused(
    item: DecodedRecord | FailedEvent, error: LedgerRefusedError
) -> tuple[list[Settlement], list[Record]]:
    if isinstance(item, DecodedRecord):
        coupon = item.coupon
        detail = f"MySQL error {error.args[0] if error.args else 'unknown'}"
        ids = coupon.campaign_id, coupon.user_id
        try:
            wiring.ledger().write([], [FailedEvent(item.record, Reason.NOT_INSERTED, detail, *ids)])
        except LedgerRefusedError as refusal:
            error = refusal
        else:
            # The redrive retries it now. If it stayed pending, the relay would send it forever.
            return [Settlement(*ids, coupon.serial, SettledAs.FAILED_EVENT, coupon.fence)], []
    log.exception("a record can be kept nowhere", {"place": _position(item.record)}, error)
    return [], [item.record]


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


def _traced(
    accepted: Iterable[DecodedRecord],
    failed: Iterable[FailedEvent],
    settlements: Iterable[Settlement],
) -> Iterator[tuple[Record, CouponAccepted | None, str]]:
    """Yield each record with its coupon and where it is stored; for the traces, once it is."""
    states = {(one.campaign_id, one.serial): one.state for one in settlements}
    for one in accepted:
        coupon = one.coupon
        yield one.record, coupon, states.get((coupon.campaign_id, coupon.serial), "")
    yield from ((one.record, None, SettledAs.FAILED_EVENT) for one in failed)


def _position(record: Record) -> str:
    return f"{kafka_event.partition_name(record)}@{record.offset}"
