"""Unpacks fetched records by a C extension: kafka-python does it in Python, fifteen times slower.

The record classes of aiokafka and kafka-python have the same parents. Everything around the
records stays as it is: fetches, positions, checksums, and batches of other kinds than ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiokafka.record.default_records import DefaultRecordBatch

from handlers.adapters.kafka.fetched_records import MAGIC, CommittedRecords

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.poll_runner.protocol import Consumer


def use_c_decoder(consumer: Consumer) -> None:
    """Let `consumer` use the C decoder; its records then have no topic, partition and sizes."""
    consumer._fetcher.PartitionRecords = PartitionRecords  # type: ignore[attr-defined] # noqa: SLF001 - it offers no other hook


class PartitionRecords(CommittedRecords):
    """The records of one partition from one fetch."""

    def _records_of(self, batch: Any) -> Iterable[Any]:
        if batch.magic != MAGIC:
            return super()._records_of(batch)
        return DefaultRecordBatch(batch._buffer)  # type: ignore[no-any-return] # noqa: SLF001 - the bytes of the batch
