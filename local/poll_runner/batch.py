"""The records of one invocation, by partition, and what a handler's result says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.domain import metrics
from local.poll_runner.event import encoded_size, partition_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kafka.structs import TopicPartition


# The share of the free bytes to poll for: some of the next records are larger than the average.
LIKELY_SHARE = 0.98


class MalformedBatchResponseError(Exception):
    """The handler's result names no valid failures; the whole batch counts as failed."""


class Batch:
    """Records collected over some polls, up to a size in records and in bytes."""

    def __init__(self, records_max: int, bytes_max: int, record_bytes: float = 0) -> None:
        """Take the limits, and the average size of a record of the last batch, 0 if unknown."""
        self.records: dict[TopicPartition, list[Any]] = {}
        self._size = 0
        self._bytes = 0
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._record_bytes = record_bytes

    def __len__(self) -> int:
        return self._size

    @property
    def record_bytes(self) -> float:
        """The average size of a record; 0 when it is unknown."""
        return self._bytes / self._size if self._size else self._record_bytes

    @property
    def room(self) -> int:
        """How many more records will fit; 0 when it is full.

        Too few rather than too many: records that do not fit must be fetched again.
        """
        room = self._records_max - self._size
        if self.record_bytes:
            bytes_left = (self._bytes_max - self._bytes) * LIKELY_SHARE
            room = min(room, int(bytes_left / self.record_bytes))
        return max(0, room)

    def add(self, polled: Mapping[TopicPartition, list[Any]]) -> dict[TopicPartition, int]:
        """Add the records that fit; return by partition the offset of the first that does not.

        One record is always added, of any size: the runner would never move on otherwise. A
        partition that was revoked and assigned again begins at its committed offset; records
        that it delivers again replace those in this batch.
        """
        left: dict[TopicPartition, int] = {}
        for partition, records in polled.items():
            self._cut(partition, records[0].offset)
            fitting = records[: self._fitting(records)]
            if fitting:
                self.records.setdefault(partition, []).extend(fitting)
            if len(fitting) < len(records):
                left[partition] = records[len(fitting)].offset
        return left

    def _fitting(self, records: list[Any]) -> int:
        """Add `records` to the size up to the limits; return how many fit."""
        for number, record in enumerate(records):
            size = encoded_size(record)
            full = self._size >= self._records_max or self._bytes + size > self._bytes_max
            if self._size and full:
                return number
            self._size += 1
            self._bytes += size
        return len(records)

    def keep_only(self, partitions: set[TopicPartition]) -> None:
        """Forget the records of all other partitions: another consumer has them now."""
        for partition in self.records.keys() - partitions:
            self._cut(partition, 0)

    def first_offsets(self) -> dict[TopicPartition, int]:
        """Return the offset of each partition's first record."""
        return {partition: records[0].offset for partition, records in self.records.items()}

    def next_offsets(self) -> dict[TopicPartition, int]:
        """Return the offset after each partition's last record: what Kafka calls committed."""
        return {partition: records[-1].offset + 1 for partition, records in self.records.items()}

    def _cut(self, partition: TopicPartition, offset: int) -> None:
        """Remove the records of `partition` from `offset` on."""
        records = self.records.get(partition, [])
        kept = [record for record in records if record.offset < offset]
        for record in records[len(kept) :]:
            self._size -= 1
            self._bytes -= encoded_size(record)
        if kept:
            self.records[partition] = kept
        else:
            self.records.pop(partition, None)


def count_batch(result: str, duration_s: float) -> None:
    """Count a batch that the handler has had."""
    metrics.BATCHES.inc((result,))
    metrics.BATCH_SECONDS.observe((), duration_s)


def lowest_failures(result: Any, batch: Batch) -> dict[TopicPartition, int]:
    """Return by partition the lowest offset that `result` reports as failed; {} for success.

    The rules are Lambda's for ReportBatchItemFailures: an empty result is success; an item that
    does not name a record of this batch fails the whole batch (MalformedBatchResponseError).
    """
    if result is None:
        return {}
    if not isinstance(result, dict):
        message = f"the handler returned {type(result).__name__}, not a dict"
        raise MalformedBatchResponseError(message)
    items = result.get("batchItemFailures")
    if items is None:
        return {}
    if not isinstance(items, list):
        message = "batchItemFailures is not a list"
        raise MalformedBatchResponseError(message)
    partitions = {partition_name(partition): partition for partition in batch.records}
    lowest: dict[TopicPartition, int] = {}
    for item in items:
        partition, offset = _failed_record(item, partitions, batch)
        lowest[partition] = min(offset, lowest.get(partition, offset))
    return lowest


def _failed_record(
    item: object, partitions: Mapping[str, TopicPartition], batch: Batch
) -> tuple[TopicPartition, int]:
    identifier = item.get("itemIdentifier") if isinstance(item, dict) else None
    if isinstance(identifier, dict):
        name, offset = identifier.get("partition"), identifier.get("offset")
        partition = partitions.get(name) if isinstance(name, str) else None
        if (
            partition is not None
            and type(offset) is int
            and any(record.offset == offset for record in batch.records[partition])
        ):
            return partition, offset
    message = f"batchItemFailures holds {item!r}, which is not a record of this batch"
    raise MalformedBatchResponseError(message)
