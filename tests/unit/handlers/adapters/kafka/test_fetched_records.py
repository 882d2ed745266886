"""What a fetch yields: committed records, and the name of a batch that cannot be read."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.consumer.fetcher import Fetcher
from kafka.protocol.consumer import IsolationLevel
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition

from handlers.adapters.kafka.fetched_records import CommittedRecords, UnreadableBatchError
from tests.support.record_batches import (
    CRC,
    LENGTH,
    NONE,
    TRANSACTIONAL,
    ZSTD,
    marker,
    packed,
    seal,
)

P3 = TopicPartition("coupon_create", 3)


def batch_of(offset: int, *values: bytes, flags: int = 0, producer: int = -1) -> bytearray:
    return packed([(1, b"k", value, []) for value in values], NONE, flags, offset, producer)


def part_of(*batches: bytes | bytearray, start: int = 10, **options: Any) -> CommittedRecords:
    return CommittedRecords(start, P3, MemoryRecords(b"".join(batches)), **options)


def values_of(part: CommittedRecords) -> list[bytes]:
    return [record.value for record in part.take(100)]


def test_records_of_a_transaction_that_was_aborted_are_left_out() -> None:
    fetch = (
        batch_of(10, b"alone"),
        batch_of(11, b"aborted", flags=TRANSACTIONAL, producer=7),
        batch_of(12, b"of another", flags=TRANSACTIONAL, producer=8),
        marker(13, 7, aborts=True),
        marker(14, 8, aborts=False),
        batch_of(15, b"committed", flags=TRANSACTIONAL, producer=7),
        marker(16, 7, aborts=False),
    )
    aborted = [SimpleNamespace(first_offset=11, producer_id=7)]
    options = {"isolation_level": IsolationLevel.READ_COMMITTED, "aborted_transactions": aborted}
    part = part_of(*fetch, **options)
    assert values_of(part) == [b"alone", b"of another", b"committed"]
    assert (part.next_fetch_offset, bool(part)) == (17, False)
    theirs = Fetcher.PartitionRecords(10, P3, MemoryRecords(b"".join(fetch)), **options)
    assert [record.value for record in theirs.take(100)] == [b"alone", b"of another", b"committed"]
    assert values_of(part_of(*fetch)) == [b"alone", b"aborted", b"of another", b"committed"]


def damage(batch: bytearray) -> None:
    batch[-3] ^= 1


def shorten(batch: bytearray) -> None:
    del batch[-2:]
    seal(batch)


def name_an_unknown_codec(batch: bytearray) -> None:
    batch[22] |= 6
    seal(batch)


def hide_the_codec(batch: bytearray) -> None:
    batch[22] |= ZSTD  # and the content is not compressed
    seal(batch)


@pytest.mark.parametrize("spoil", [damage, shorten, name_an_unknown_codec, hide_the_codec])
def test_a_batch_that_cannot_be_read_is_named_and_what_is_before_it_is_not_lost(
    spoil: Any,
) -> None:
    bad = batch_of(12, b"1", b"2", b"3")
    spoil(bad)
    part = part_of(batch_of(10, b"good"), bad, batch_of(17, b"behind a gap"))
    assert values_of(part)[:1] == [b"good"]
    with pytest.raises(UnreadableBatchError, match="coupon_create-3@12") as raised:
        values_of(part)
    found = raised.value.batch
    assert (found.topic, found.partition, found.offset) == ("coupon_create", 3, 12)
    assert (found.following, found.data) == (17, bytes(bad))
    # kafka-python asks a fetch for more as long as it is true.
    assert not part


def test_kafka_python_itself_would_go_round_for_ever() -> None:
    """The negative control."""
    bad = batch_of(10, b"1")
    damage(bad)
    part = Fetcher.PartitionRecords(10, P3, MemoryRecords(bytes(bad)))
    with pytest.raises(Exception, match="crc"):
        part.take(10)
    assert part
    assert [part.take(10) for _ in range(3)] == [[], [], []]
    assert part


def test_without_a_sound_batch_behind_it_the_batch_itself_says_where_the_next_one_begins() -> None:
    bad, worse = batch_of(10, b"1", b"2"), batch_of(30, b"3")
    for each in (bad, worse):
        damage(each)
    for fetch in ((bad,), (bad, worse)):
        with pytest.raises(UnreadableBatchError) as raised:
            values_of(part_of(*fetch))
        assert raised.value.batch.following == 12


def test_a_fetch_from_within_a_damaged_batch_names_the_same_batch_and_a_skip_moves_on() -> None:
    bad = batch_of(10, b"1", b"2", b"3")
    bad[CRC] = b"\0\0\0\0"
    bad[26] = 0  # it says that it holds one record only
    with pytest.raises(UnreadableBatchError) as raised:
        values_of(part_of(bad, start=12))
    assert (raised.value.batch.offset, raised.value.batch.following) == (10, 13)


def test_a_wrong_length_is_named_as_well() -> None:
    bad = batch_of(10, b"1")
    bad[LENGTH] = struct.pack(">i", 2**30)
    with pytest.raises(UnreadableBatchError, match=r"@10 cannot be read: .*length") as raised:
        part_of(bad)
    assert (raised.value.batch.following, raised.value.batch.data) == (11, bytes(bad))
    bad[LENGTH] = struct.pack(">i", 2)
    with pytest.raises(UnreadableBatchError, match="@10 cannot be read"):
        values_of(part_of(bad))
