"""Every codec that a broker may use, as Java and as librdkafka write it."""

from __future__ import annotations

from typing import Any

import cramjam
import pytest
from kafka.record import MemoryRecords
from kafka.structs import TopicPartition

from handlers.adapters.kafka import codecs
from handlers.adapters.kafka.fetched_records import CommittedRecords, UnreadableBatchError
from tests.support.record_batches import GZIP, LZ4, NONE, RECORDS, SNAPPY, ZSTD, packed, seal

P0 = TopicPartition("coupon_create", 0)
VALUES = [b"one" * 100, b"two" * 5000]
MESSAGES: list[Any] = [(1, b"k", value, []) for value in VALUES]


def values_of(batch: bytearray) -> list[bytes]:
    part = CommittedRecords(0, P0, MemoryRecords(bytes(batch)))
    return [record.value for record in part.take(10)]


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_a_batch_in_any_codec_is_read(codec: int) -> None:
    assert values_of(packed(MESSAGES, codec, 0, 0)) == VALUES


def test_snappy_without_javas_blocks_is_read() -> None:
    batch = packed(MESSAGES, NONE, 0, 0)
    batch[RECORDS] = bytes(cramjam.snappy.compress_raw(bytes(batch[RECORDS])))
    batch[22] |= SNAPPY
    assert values_of(seal(batch)) == VALUES


@pytest.mark.parametrize("codec", [SNAPPY, LZ4, ZSTD])
def test_without_the_codecs_such_a_batch_cannot_be_read(
    codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: kafka-python alone does not know them."""
    monkeypatch.setattr(codecs, "CODECS", {})
    with pytest.raises(UnreadableBatchError):
        values_of(packed(MESSAGES, codec, 0, 0))


@pytest.mark.parametrize("codec", [SNAPPY, LZ4, ZSTD])
def test_content_that_is_cut_off_names_the_batch(codec: int) -> None:
    batch = packed(MESSAGES, codec, 0, 0)
    del batch[-5:]
    with pytest.raises(UnreadableBatchError, match="coupon_create-0@0 cannot be read"):
        values_of(seal(batch))
