"""Batches of records as they are on the wire and on a broker's disk."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import cramjam
from hypothesis import strategies as st
from kafka.record import MemoryRecordsBuilder
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import calc_crc32c

if TYPE_CHECKING:
    from collections.abc import Callable

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)  # codecs
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20  # attributes
# In a batch's header.
OFFSET, LENGTH, EPOCH = slice(0, 8), slice(8, 12), slice(12, 16)
CRC, ATTRIBUTES, PRODUCER = slice(17, 21), slice(21, 23), slice(43, 51)
RECORDS = slice(61, 1 << 30)

_BYTES = st.none() | st.binary(max_size=200)
# Timestamp, key, value and headers.
ANY_RECORD = st.tuples(
    st.integers(0, 2**40),
    _BYTES,
    _BYTES,
    st.lists(st.tuples(st.text(max_size=5), _BYTES), max_size=3),
)


def xerial(data: bytes) -> bytes:
    """Compress as Java does: in blocks, each after its length, behind a header."""
    blocks = [bytes(cramjam.snappy.compress_raw(data[n : n + 7])) for n in range(0, len(data), 7)]
    framed = (len(block).to_bytes(4) + block for block in blocks)
    return b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + b"".join(framed)


COMPRESSED_BY: dict[int, Callable[[bytes], bytes]] = {
    SNAPPY: xerial,
    LZ4: lambda data: bytes(cramjam.lz4.compress(data)),
    ZSTD: lambda data: bytes(cramjam.zstd.compress(data)),
}


def packed(
    messages: list[Any], compression: int, flags: int, first_offset: int, producer: int = -1
) -> bytearray:
    """Return a batch of (timestamp, key, value, headers) with these attributes."""
    builder = MemoryRecordsBuilder(2, GZIP if compression == GZIP else NONE, 1_000_000)
    for timestamp, key, value, headers in messages:
        builder.append(timestamp, key, value, headers)
    builder.close()
    batch = bytearray(builder.buffer())
    batch[OFFSET] = struct.pack(">q", first_offset)
    batch[EPOCH] = struct.pack(">i", 7)
    batch[PRODUCER] = struct.pack(">q", producer)
    if compress := COMPRESSED_BY.get(compression):
        batch[ATTRIBUTES.stop - 1] |= compression
        batch[RECORDS] = compress(bytes(batch[RECORDS]))
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
