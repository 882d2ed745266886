"""The offset up to which each partition is done, until it is committed to Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata, TopicPartition

from local.json_log import log_event

if TYPE_CHECKING:
    from local.poll_runner.protocol import Consumer

COMMIT_TIMEOUT_MS = 5_000


class PendingCommits:
    """The offsets to commit. Records that cannot be committed come again, which is harmless."""

    def __init__(self) -> None:
        self._offsets: dict[TopicPartition, int] = {}

    def note(self, partition: TopicPartition, offset: int) -> None:
        """Record that all of `partition` below `offset` is done."""
        self._offsets[partition] = offset

    def keep_only(self, partitions: set[TopicPartition]) -> None:
        """Forget partitions of other consumers: this one must not commit them."""
        for partition in self._offsets.keys() - partitions:
            del self._offsets[partition]

    def commit(self, consumer: Consumer) -> None:
        """Commit. Offsets that a rebalance rejects are kept; other errors of Kafka are raised.

        They are kept because kafka-python reads on after these records if the partition stays
        assigned: then the next commit includes them. If it is revoked, `keep_only` forgets them.
        """
        self.keep_only(consumer.assignment())
        if not self._offsets:
            return
        offsets = {
            partition: OffsetAndMetadata(offset) for partition, offset in self._offsets.items()
        }
        try:
            consumer.commit(offsets, timeout_ms=COMMIT_TIMEOUT_MS)
        except (CommitFailedError, RebalanceInProgressError) as error:
            log_event("INFO", "offsets not committed: a rebalance", error=type(error).__name__)
        else:
            self._offsets.clear()
