"""The restore: copies batches that Lambda gave up from S3 into failed_event.

A mapping with an on-failure destination stores there each batch that it could not deliver, with the
whole event. From failed_event the redrive writes the records as the consumer does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers import log, operations, wiring
from handlers.domain.errors import LedgerRefusedError, TransactionTooLargeError, UnavailableError
from handlers.edge.events import invocation_record
from handlers.edge.events import s3 as s3_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handlers.domain.record import FailedEvent

# Rows of one transaction: short enough not to block the other writers.
ROWS = 500


class NotRestoredError(Exception):
    """Some batches are not in failed_event; Lambda retries, then the operator must look."""


def restore_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:
    """Store every Kafka record of the new objects; return how many records there were.

    Safe to repeat: each Kafka position is stored once. Raises NotRestoredError after storing all
    that can be stored; the objects stay in the bucket, and the handler may be called again.
    """
    restored, left = 0, []
    for bucket, key in s3_event.objects(event):
        try:
            restored += _restore(bucket, key)
        except (UnavailableError, LedgerRefusedError, ValueError):
            log.exception("a batch is not restored", {"bucket": bucket, "key": key})
            left.append(key)
    fields = {"request_id": getattr(context, "aws_request_id", ""), "restored": restored}
    log.info("restore_handler", fields)
    if left:
        log.emit_metric("batches are not restored", "UnrestoredBatches", len(left), {"keys": left})
        message = f"not in failed_event: {', '.join(left)}"
        raise NotRestoredError(message)
    return {"restored": restored}


def _restore(bucket: str, key: str) -> int:
    events = invocation_record.decode(operations.failed_batches().read(bucket, key))
    for first in range(0, len(events), ROWS):
        _store(events[first : first + ROWS])
    return len(events)


def _store(events: Sequence[FailedEvent]) -> None:
    """Write the rows together; where MySQL refuses one or their size, still write all others."""
    ledger = wiring.ledger()
    try:
        ledger.write([], events)
    except (LedgerRefusedError, TransactionTooLargeError):
        if len(events) == 1:
            raise
        middle = len(events) // 2
        try:
            _store(events[:middle])
        finally:
            _store(events[middle:])
