"""local/gateway/fast_pack.py: it writes the bytes that kafka-python writes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import memory_records

from local.gateway.fast_pack import CBuilder, use_c_encoder
from tests.support.record_batches import ANY_RECORD

RECORDS = st.lists(ANY_RECORD, min_size=1, max_size=8)
BATCH_BYTES_MAX = 600  # some of the generated records do not fit
# The number of the partition's leader, which the broker sets: 0 or -1 here. No checksum covers it.
LEADER_EPOCH = slice(12, 16)
PRODUCERS = st.tuples(st.integers(0, 2**40), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1))


def batch(records: list[Any], producer: tuple[int, int, int]) -> tuple[list[bool], bytes, Any]:
    """Return which records fit, the batch's bytes, and the state that a retry compares."""
    builder = memory_records.MemoryRecordsBuilder(2, 0, BATCH_BYTES_MAX)
    fitting = [builder.append(*one) is not None for one in records]
    builder.set_producer_state(*producer, is_transactional=False)
    builder.close()
    state = builder.producer_id, builder.producer_epoch, builder.base_sequence
    content = bytearray(builder.buffer())
    content[LEADER_EPOCH] = bytes(4)
    return fitting, bytes(content), (state, builder.next_offset(), builder.size_in_bytes())


@given(records=RECORDS, producer=PRODUCERS)
def test_both_builders_take_the_same_records_and_write_the_same_bytes(
    records: list[Any], producer: tuple[int, int, int]
) -> None:
    plain = batch(records, producer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_records, "DefaultRecordBatchBuilder", CBuilder)
        assert batch(records, producer) == plain


def test_afterwards_all_producers_of_the_process_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = memory_records.DefaultRecordBatchBuilder
    monkeypatch.setattr(memory_records, "DefaultRecordBatchBuilder", before)
    use_c_encoder()
    assert memory_records.DefaultRecordBatchBuilder is CBuilder
