"""Builds the batches that a process sends by a C extension, in place of kafka-python's Python.

The builders of aiokafka and kafka-python have the same parents. They write the same bytes, except
for the leader's epoch, which the broker sets.
"""

from __future__ import annotations

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record import memory_records


class CBuilder(DefaultRecordBatchBuilder):  # type: ignore[misc] # a class of C has no types
    """aiokafka's builder with kafka-python's signature."""

    def set_producer_state(
        self,
        producer_id: int,
        producer_epoch: int,
        base_sequence: int,
        is_transactional: bool,  # noqa: FBT001 - kafka-python's signature
    ) -> None:
        """Take what a broker knows the batch by, when it repeats one."""
        assert not is_transactional, "no transactions are used"  # noqa: S101 - a bug of ours
        super().set_producer_state(producer_id, producer_epoch, base_sequence)


def use_c_encoder() -> None:
    """Let all producers of this process use it."""
    memory_records.DefaultRecordBatchBuilder = CBuilder
