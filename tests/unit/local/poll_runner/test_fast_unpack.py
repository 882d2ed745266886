"""local/poll_runner/fast_unpack.py: it unpacks a fetch exactly as kafka-python does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition

from local.poll_runner.fast_unpack import PartitionRecords
from tests.support.record_batches import (
    ANY_RECORD,
    CONTROL,
    GZIP,
    LOG_APPEND_TIME,
    LZ4,
    NONE,
    SNAPPY,
    ZSTD,
    packed,
    seal,
)

P0 = TopicPartition("coupon_create", 0)
MESSAGES = st.lists(ANY_RECORD, min_size=1, max_size=5)
CODECS = st.sampled_from([NONE, GZIP, SNAPPY, LZ4, ZSTD])
BATCHES: st.SearchStrategy[list[tuple[list[Any], int, int]]] = st.lists(
    st.tuples(
        MESSAGES,
        st.sampled_from([NONE, GZIP, SNAPPY, LZ4, ZSTD]),
        st.sampled_from([0, LOG_APPEND_TIME]),
    )
    | st.just(([(0, b"\0\0\0\0", b"", [])], NONE, CONTROL)),
    max_size=5,
)


def fetched(batches: list[tuple[list[Any], int, int]]) -> tuple[bytes, int]:
    """Return the bytes, with a gap of offsets after each batch, and the offset behind them."""
    data, offset = bytearray(), 10
    for messages, compression, flags in batches:
        data += packed(messages, compression, flags, offset)
        offset += len(messages) + 3
    return bytes(data), offset


def taken(kind: Any, data: bytes, start: int, size: int) -> list[Any]:
    """Return what every `take` of `size` gives, and the position after it."""
    drained: list[Any] = []
    part = kind(start, P0, MemoryRecords(data), on_drain=drained.append)
    steps = []
    while part:
        records = [
            (r.offset, r.timestamp, r.timestamp_type, r.key, r.value, r.headers)
            for r in part.take(size)
        ]
        steps.append((records, part.next_fetch_offset, part.leader_epoch, part.bytes_read > 0))
    assert drained == [part]
    return steps


@given(BATCHES, st.data())
def test_every_fetch_gives_the_same_records_and_positions(
    batches: list[tuple[list[Any], int, int]], data: st.DataObject
) -> None:
    fetch, end = fetched(batches)
    start = data.draw(st.integers(10, end))
    size = data.draw(st.integers(1, 7))
    ours = taken(PartitionRecords, fetch, start, size)
    # kafka-python itself has no codec but gzip.
    plain = [(messages, min(codec, GZIP), flags) for messages, codec, flags in batches]
    theirs = taken(Fetcher.PartitionRecords, fetched(plain)[0], start, size)
    assert [step[0] for step in ours] == [step[0] for step in theirs]
    # After the last record of a `take`, ours may not have read a control record of Kafka yet.
    assert ours[-1] == theirs[-1]


def test_a_damaged_batch_is_an_error_and_what_comes_before_it_is_not_lost() -> None:
    good = packed([(1, b"k", b"good", [])], NONE, 0, 10)
    bad = packed([(1, b"k", b"bad", [])], NONE, 0, 11)
    bad[-1] ^= 1
    part = PartitionRecords(10, P0, MemoryRecords(bytes(good + bad)))
    assert [record.value for record in part.take(10)] == [b"good"]
    assert part.next_fetch_offset == 11
    with pytest.raises(CorruptRecordError, match="coupon_create-0@11"):
        part.take(10)


@pytest.mark.parametrize("cut", [1, 3, 8])
def test_a_batch_that_contradicts_itself_is_an_error(cut: int) -> None:
    batch = packed([(1, b"key", b"value", [])], NONE, 0, 10)
    del batch[-cut:]
    seal(batch)
    with pytest.raises(CorruptRecordError):
        PartitionRecords(10, P0, MemoryRecords(bytes(batch))).take(10)
