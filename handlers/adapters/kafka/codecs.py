"""Decompresses what kafka-python cannot without packages of C: snappy, lz4 and zstd.

A broker or topic with `compression.type` compresses what the service has sent without. One package
has all three codecs, and is a fifth as large as the three that kafka-python looks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cramjam

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPPY, LZ4, ZSTD = 2, 3, 4  # as in a batch's attributes; 1 is gzip, which Python has
# Java's producers and brokers divide snappy into blocks, each after its length, behind a header.
XERIAL_MAGIC, XERIAL_HEADER_BYTES, LENGTH_BYTES = b"\x82SNAPPY\x00", 16, 4


def decompress(batch: Any) -> None:
    """Replace the content of a batch of kafka-python by what it is compressed from."""
    decode = CODECS.get(batch.compression_type)
    if decode is None:
        return
    content = decode(bytes(memoryview(batch._buffer)[batch._pos :]))  # noqa: SLF001 - it has no other way
    batch._buffer, batch._pos, batch._decompressed = content, 0, True  # noqa: SLF001


def _snappy(data: bytes) -> bytes:
    if not data.startswith(XERIAL_MAGIC):
        return bytes(cramjam.snappy.decompress_raw(data))
    blocks, start = bytearray(), XERIAL_HEADER_BYTES
    while start < len(data):
        content = start + LENGTH_BYTES
        start = content + int.from_bytes(data[start:content])
        blocks += bytes(cramjam.snappy.decompress_raw(data[content:start]))
    return bytes(blocks)


CODECS: dict[int, Callable[[bytes], bytes]] = {
    SNAPPY: _snappy,
    LZ4: lambda data: bytes(cramjam.lz4.decompress(data)),
    ZSTD: lambda data: bytes(cramjam.zstd.decompress(data)),
}
