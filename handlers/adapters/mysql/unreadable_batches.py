"""Batches that cannot be read: their bytes in failed_event, and whether to skip them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters.mysql.database import query
from handlers.domain.record import FailedEvent, FailedStatus, Reason, Record

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.ledger import Ledger
    from handlers.domain.fence import Position
    from handlers.domain.record import UnreadableBatch

SELECT = query("select_unreadable_batch")
SKIP = query("skip_unreadable_batch")


class UnreadableBatches:
    """The rows of failed_event with the reason UNREADABLE. All raise UnavailableError."""

    def __init__(self, database: Database, ledger: Ledger) -> None:
        self._database = database
        self._ledger = ledger

    def keep(self, batch: UnreadableBatch) -> bool:
        """Store the bytes of a batch; return whether an operator has decided to skip it.

        The decision is about these bytes: another batch at that position, after the topic was
        created again, is not skipped. May be repeated.
        """
        record = Record(batch.topic, batch.partition, batch.offset, 0, None, batch.data)
        detail = f"{batch.cause}; the next batch begins at {batch.following}"
        self._ledger.write([], [FailedEvent(record, Reason.UNREADABLE, detail)])

        def work(cursor: Cursor) -> bool:
            cursor.execute(SELECT, _position(batch.topic, batch.partition, batch.offset))
            return any(
                # Of a batch whose length is wrong, more bytes may have come since.
                status == FailedStatus.RESOLVED and batch.data.startswith(payload)
                for status, payload in cursor.fetchall()
            )

        return self._database.run(work)

    def skip(self, position: Position) -> bool:
        """Let all readers of the topic pass a stored batch; False where none waits there."""
        values = _position(*position)
        return bool(self._database.run(lambda cursor: cursor.execute(SKIP, values)))


def _position(topic: str, partition: int, offset: int) -> dict[str, object]:
    return {"topic": topic, "partition_no": partition, "offset_no": offset}
