"""The records of a fetch: those of committed transactions, and the name of a batch that is damaged.

kafka-python 3.0.12 goes round for ever in a fetch with a batch that it cannot read, and does not
say where that is. Everything around the records stays its own: fetches, positions, decompression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError, KafkaError
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords

from handlers.adapters.kafka.codecs import decompress
from handlers.domain.record import UnreadableBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kafka.structs import TopicPartition

MAGIC = 2  # the version of the format since Kafka 0.11; older records have no headers
# What every consumer of the topic is built with: a record of a transaction that was aborted, or is
# not yet committed, is no coupon.
ISOLATION = {"isolation_level": "read_committed"}
WRONG_CHECKSUM, WRONG_LENGTH = "its checksum is wrong", "its length is wrong"


class UnreadableBatchError(CorruptRecordError):  # type: ignore[misc] # untyped
    """A batch cannot be read: it is damaged, or its codec is not installed."""

    def __init__(self, batch: UnreadableBatch) -> None:
        super().__init__(f"the batch at {batch.place} cannot be read: {batch.cause}")
        self.batch = batch


def use_committed_records(consumer: Any) -> None:
    """Let `consumer` unpack fetches by CommittedRecords."""
    consumer._fetcher.PartitionRecords = CommittedRecords  # noqa: SLF001 - it offers no other hook


class CommittedRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # untyped
    """The records of one partition from one fetch."""

    next_fetch_offset: int

    def __init__(
        self, fetch_offset: int, tp: TopicPartition, records: MemoryRecords, **options: Any
    ) -> None:
        super().__init__(fetch_offset, tp, records, **options)
        if not records.has_next() and records.size_in_bytes():
            cause = CorruptRecordError(WRONG_LENGTH)
            raise self._unreadable(bytes(records._buffer), None, records, cause)  # noqa: SLF001

    def take(self, n: int | None = None) -> list[Any]:
        """Return up to `n` records, and move the position behind them."""
        try:
            records: list[Any] = super().take(n)
        except Exception:
            # Whatever it was, it is raised. The iterator has ended, and kafka-python would ask it
            # again for ever: the partition, and with it all others, would be lost to this reader.
            self.drain()
            raise
        if records:
            self.next_fetch_offset = max(self.next_fetch_offset, records[-1].offset + 1)
        return records

    def _unpack_records(
        self, _tp: TopicPartition, records: MemoryRecords, *_deserializers: None
    ) -> Iterator[Any]:
        # Read again from the bytes: the caller still uses the object that it passed.
        batches, batch = MemoryRecords(records._buffer), None  # noqa: SLF001 - kafka-python's own
        while batches.has_next():
            data, batch = batches._next_slice, None  # noqa: SLF001
            try:
                batch = batches.next_batch()
                if self.check_crcs and not batch.validate_crc():
                    raise CorruptRecordError(WRONG_CHECKSUM)  # noqa: TRY301
                if not self._is_hidden(batch):
                    self.bytes_read += batch.size_in_bytes
                    yield from self._records_of(batch)
            except Exception as error:
                raise self._unreadable(bytes(data), batch, batches, error) from error
            if batch.magic == MAGIC:
                # Compaction may have removed a batch's last records, and what is hidden is passed.
                self.next_fetch_offset = batch.next_offset
        self.drain()

    def _records_of(self, batch: Any) -> Iterable[Any]:
        decompress(batch)
        return batch  # type: ignore[no-any-return] # it is an iterator of records

    def _is_hidden(self, batch: Any) -> bool:
        """Return whether it is a marker of Kafka itself, or of a transaction that was aborted."""
        if batch.magic != MAGIC:
            return False
        self.leader_epoch = batch.leader_epoch
        if self.isolation_level == IsolationLevel.READ_COMMITTED and batch.has_producer_id():
            self._consume_aborted_transactions_up_to(batch.last_offset)
            if not batch.is_control_batch:
                return bool(self._is_batch_aborted(batch))
            if self._contains_abort_marker(batch):
                self.aborted_producer_ids.discard(batch.producer_id)
        return bool(batch.is_control_batch)

    def _unreadable(
        self, data: bytes, batch: Any, batches: MemoryRecords, error: Exception
    ) -> UnreadableBatchError:
        # A fetch from the middle of a batch gets all of it: the batch has one name nevertheless.
        offset = batch.base_offset if batch else self.next_fetch_offset
        following = batch.next_offset if batch else offset + 1
        try:
            # Its own header may be what is damaged: surer is where a sound batch behind it begins.
            sound = batches.next_batch()
            if sound and sound.validate_crc():
                following = sound.base_offset
        except KafkaError:
            pass  # the next one is damaged as well, and is reported when it is its turn
        tp = self.topic_partition
        cause = ": ".join([type(error).__name__, *map(str, error.args[:1])])
        following = max(following, self.next_fetch_offset + 1)  # a skip always moves on
        batch_of_error = UnreadableBatch(tp.topic, tp.partition, offset, following, data, cause)
        return UnreadableBatchError(batch_of_error)
