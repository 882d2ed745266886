"""Batches of records as they are on the wire and on a broker's disk."""

from __future__ import annotations

import struct
from typing import Any

from kafka.record import MemoryRecordsBuilder
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import calc_crc32c

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)  # codecs
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20  # attributes
# In a batch's header.
OFFSET, LENGTH, EPOCH = slice(0, 8), slice(8, 12), slice(12, 16)
CRC, ATTRIBUTES, PRODUCER = slice(17, 21), slice(21, 23), slice(43, 51)


def packed(
    messages: list[Any], compression: int, flags: int, first_offset: int, producer: int = -1
) -> bytearray:
    """Return a batch of (timestamp, key, value, headers) with these attributes."""
    builder = MemoryRecordsBuilder(2, compression, 1_000_000)
    for timestamp, key, value, headers in messages:
        builder.append(timestamp, key, value, headers)
    builder.close()
    batch = bytearray(builder.buffer())
    batch[OFFSET] = struct.pack(">q", first_offset)
    batch[EPOCH] = struct.pack(">i", 7)
    batch[PRODUCER] = struct.pack(">q", producer)
    batch[ATTRIBUTES.stop - 1] |= flags
    return seal(batch)


def seal(batch: bytearray) -> bytearray:
    """Write the length and the checksum that fit to the bytes."""
    batch[LENGTH] = struct.pack(">i", len(batch) - DefaultRecordBatch.AFTER_LEN_OFFSET)
    batch[CRC] = struct.pack(">I", calc_crc32c(memoryview(batch)[ATTRIBUTES.start :]))
    return batch


def marker(offset: int, producer: int, *, aborts: bool) -> bytearray:
    """Return the marker with which Kafka ends a transaction."""
    key = struct.pack(">hh", 0, 0 if aborts else 1)
    return packed([(0, key, b"\0" * 6, [])], NONE, TRANSACTIONAL | CONTROL, offset, producer)
