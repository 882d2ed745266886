"""Kafka records into MySQL rows: the consumer, driven by Lambda or by the local poll runner."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from handlers import log, wiring
from handlers.domain import metrics
from handlers.domain.errors import LedgerRefusedError, TransactionTooLargeError, UnavailableError
from handlers.domain.pipeline import Part, Pipeline
from handlers.domain.record import DecodedRecord, FailedEvent, Reason, Record
from handlers.domain.settlement import SettledAs, Settlement
from handlers.edge.events import kafka as kafka_event
from handlers.gc_pause import gc_paused
from handlers.tracing.batch import Work, processed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from handlers.domain.coupon import CouponAccepted


# The time of a part is long beside that of a commit, and short beside that of a batch.
PART_RECORDS = 3_000


@gc_paused()
def consume_handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Write one batch; return Lambda's partial batch response.

    Raises UnavailableError when MySQL is unreachable: then nothing of the batch is acknowledged,
    and Lambda sends all of it again. All other failures are handled here, since a record that
    always fails would block its partition forever.
    """
    started = time.perf_counter()
    batch = _Batch()
    pipeline = Pipeline(_parts(event), batch.write, wiring.admissions().settle)
    with Work(processed(batch.traced())) as work:
        pipeline.run()
        work.written()
        _settle_rest(pipeline)
    accepted, undecodable, unwritten = len(batch.accepted), len(batch.failed), len(batch.unwritten)
    metrics.RECORDS.inc(("decoded",), accepted)
    metrics.RECORDS.inc(("undecodable",), undecodable)
    metrics.RECORDS.inc(("unwritten",), unwritten)
    log.info(
        "consume_handler",
        {
            "request_id": getattr(context, "aws_request_id", ""),
            "records": accepted + undecodable,
            "undecodable": undecodable,
            "unwritten": unwritten,
            "duration_ms": round((time.perf_counter() - started) * 1000, 3),
        },
    )
    return {"batchItemFailures": _lowest_of_each_partition(batch.unwritten)}


def _parts(event: Mapping[str, Any]) -> Iterator[Part]:
    for accepted, failed in kafka_event.in_parts(event, PART_RECORDS):
        yield Part(wiring.ledger().prepare(accepted), failed)


def _settle_rest(pipeline: Pipeline) -> None:
    """Settle in Redis. The rows are committed: a Redis that is down must not block the topic.

    What is not settled stays pending in Redis; it is settled after the relay has sent it again.
    """
    try:
        pipeline.finish()
    except UnavailableError:
        log.exception("written but not settled", {"coupons": len(pipeline.unsettled)})


class _Batch:
    """What became of the records of a batch."""

    def __init__(self) -> None:
        self.accepted: list[DecodedRecord] = []
        self.failed: list[FailedEvent] = []
        self.settlements: list[Settlement] = []
        self.unwritten: list[Record] = []  # that could not be stored

    def write(self, part: Part, meanwhile: Callable[[], None]) -> list[Settlement]:
        """Write a part; return what to settle."""
        self.accepted += part.accepted
        self.failed += part.failed
        try:
            settlements = wiring.ledger().write(part.accepted, part.failed, meanwhile)
        except (LedgerRefusedError, TransactionTooLargeError) as error:
            log.warning("MySQL refused a batch; writing its halves", {"error": error.args[:1]})
            settlements, unwritten = _write_halves([*part.accepted, *part.failed], error)
            self.unwritten += unwritten
        self.settlements += settlements
        return settlements

    def traced(self) -> Iterator[tuple[Record, CouponAccepted | None, str]]:
        """Yield each record with its coupon and where it is stored; for the traces, once it is."""
        states = {(one.campaign_id, one.serial): one.state for one in self.settlements}
        for one in self.accepted:
            coupon = one.coupon
            yield one.record, coupon, states.get((coupon.campaign_id, coupon.serial), "")
        yield from ((one.record, None, SettledAs.FAILED_EVENT) for one in self.failed)


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
