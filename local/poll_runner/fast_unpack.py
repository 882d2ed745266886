"""Unpacks fetched records by a C extension: kafka-python does it in Python, fifteen times slower.

The record classes of aiokafka and kafka-python have the same parents. Everything around the
records stays kafka-python's: fetches, positions, checksums, and batches of other kinds than ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatch
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kafka.structs import TopicPartition

    from local.poll_runner.protocol import Consumer

MAGIC = 2  # the version of the format since Kafka 0.11; older records have no headers


def use_c_decoder(consumer: Consumer) -> None:
    """Let `consumer` use the C decoder; its records then have no topic, partition and sizes."""
    consumer._fetcher.PartitionRecords = PartitionRecords  # type: ignore[attr-defined] # noqa: SLF001 - it offers no other hook


class PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # untyped
    """The records of one partition from one fetch."""

    next_fetch_offset: int

    def take(self, n: int | None = None) -> list[Any]:
        """Return up to `n` records, and move the position behind them."""
        records: list[Any] = super().take(n)
        if records:
            self.next_fetch_offset = max(self.next_fetch_offset, records[-1].offset + 1)
        return records

    def _unpack_records(
        self, tp: TopicPartition, records: MemoryRecords, *_deserializers: None
    ) -> Iterator[Any]:
        batch = None
        # Read again from the bytes: the caller still uses the object that it passed.
        for batch in MemoryRecords(records._buffer):  # noqa: SLF001 - kafka-python's own class
            if self.check_crcs and not batch.validate_crc():
                message = f"the batch at {tp.topic}-{tp.partition}@{batch.base_offset} is damaged"
                raise CorruptRecordError(message)
            if batch.magic == MAGIC:
                self.leader_epoch = batch.leader_epoch
                if batch.is_control_batch:  # a marker of Kafka itself
                    continue
            self.bytes_read += batch.size_in_bytes
            yield from _records_of(batch)
        if batch is not None and batch.magic == MAGIC:
            # Compaction may have removed a batch's last records; the next fetch begins after them.
            self.next_fetch_offset = batch.next_offset
        self.drain()


def _records_of(batch: Any) -> Iterable[Any]:
    if batch.magic != MAGIC or batch.compression_type:
        yield from batch
        return
    try:
        yield from DefaultRecordBatch(batch._buffer)  # noqa: SLF001 - the bytes of the batch
    except (KafkaError, ValueError, IndexError) as error:
        message = f"the batch at offset {batch.base_offset} cannot be read: {error!r}"
        raise CorruptRecordError(message) from error
