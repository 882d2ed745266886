"""Batches that cannot be read: their bytes in failed_event, and whether to skip them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from handlers import log
from handlers.adapters.mysql.database import query
from handlers.domain.fence import Position
from handlers.domain.record import FailedEvent, FailedStatus, Reason, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pymysql.cursors import Cursor

    from handlers.adapters.mysql.database import Database
    from handlers.adapters.mysql.ledger import Ledger
    from handlers.domain.record import UnreadableBatch

SELECT = query("select_unreadable_batch")
SELECT_WAITING = query("select_waiting_unreadable_batches")
RESOLVE = query("resolve_unreadable_batch")
REOPEN = query("reopen_unreadable_batch")

SKIPPED = "; skipped by an operator"
CAUSE_LENGTH_MAX = 700  # what follows it must fit into the column
FOLLOWING = re.compile(r"; the next batch begins at (\d+)")


class CommittedTopic(Protocol):
    """The topic, as far as the consumer group has read it."""

    name: str

    def committed(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """Return the group's committed offsets by partition; 0 where it has none."""


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
        detail = f"{batch.cause[:CAUSE_LENGTH_MAX]}; the next batch begins at {batch.following}"
        self._ledger.write([], [FailedEvent(record, Reason.UNREADABLE, detail)])
        position = _position(batch.topic, batch.partition, batch.offset)

        def work(cursor: Cursor) -> bool:
            cursor.execute(REOPEN, position | {"skipped": SKIPPED})
            cursor.execute(SELECT, position)
            return any(
                # Of a batch whose length is wrong, more bytes may have come since.
                status == FailedStatus.RESOLVED and batch.data.startswith(payload)
                for status, payload in cursor.fetchall()
            )

        return self._database.run(work)

    def skip(self, position: Position) -> bool:
        """Let all readers of the topic pass a stored batch; False where none waits there."""
        return self._resolve(position, SKIPPED)

    def resolve_read(self, topic: CommittedTopic) -> None:
        """Resolve the stored batches that the consumer has read since, and log their places.

        Kafka is asked only where a batch waits. Raises UnavailableError without it, too.
        """
        filters = {"topic": topic.name}

        def work(cursor: Cursor) -> list[tuple[int, int, str]]:
            cursor.execute(SELECT_WAITING, filters)
            return list(cursor.fetchall())

        waiting = self._database.run(work)
        committed = topic.committed({partition for partition, *_ in waiting}) if waiting else {}
        for partition, offset, detail in waiting:
            following = FOLLOWING.search(detail)
            # An offset within the batch is not behind it: the rest of it may be unread.
            if following and committed[partition] >= int(following[1]):
                how = f"; read since: the consumer has committed {committed[partition]}"
                if self._resolve(Position(topic.name, partition, offset), how):
                    place = f"{topic.name}-{partition}@{offset}"
                    log.warning("unreadable batch was read since", {"place": place})

    def _resolve(self, position: Position, how: str) -> bool:
        values = _position(*position) | {"how": how}
        return bool(self._database.run(lambda cursor: cursor.execute(RESOLVE, values)))


def _position(topic: str, partition: int, offset: int) -> dict[str, object]:
    return {"topic": topic, "partition_no": partition, "offset_no": offset}
