"""How far each partition is done, until Kafka knows it as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata, TopicPartition

from local.json_log import log_event

if TYPE_CHECKING:
    from local.poll_runner.protocol import Consumer

COMMIT_TIMEOUT_MS = 5_000


class PendingCommits:
    """The offsets still to be committed. What cannot be committed comes again: harmless."""

    def __init__(self) -> None:
        self._offsets: dict[TopicPartition, int] = {}

    def note(self, partition: TopicPartition, offset: int) -> None:
        """Note that everything of `partition` below `offset` is done."""
        self._offsets[partition] = offset

    def keep_only(self, partitions: set[TopicPartition]) -> None:
        """Forget partitions that went to somebody else: they are not ours to commit."""
        for partition in self._offsets.keys() - partitions:
            del self._offsets[partition]

    def commit(self, consumer: Consumer) -> None:
        """Tell Kafka. What a rebalance refuses is kept; other errors of Kafka are raised.

        Kept, because kafka-python goes on reading behind these records if the partition stays
        here: then the next commit tells them too. If it goes, `keep_only` forgets them.
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
