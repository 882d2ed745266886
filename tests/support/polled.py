"""Records as a consumer polls them, and batches of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from kafka.structs import TopicPartition

from local.poll_runner.batch import Batch

SERVERS = ("b-1.example.com:9092", "b-2.example.com:9092")
P0, P1 = TopicPartition("coupon_create", 0), TopicPartition("coupon_create", 1)


def record(offset: int, partition: TopicPartition = P0, value: bytes | None = b"v") -> Any:
    return SimpleNamespace(
        topic=partition.topic,
        partition=partition.partition,
        offset=offset,
        timestamp=1,
        timestamp_type=0,
        key=b"42",
        value=value,
        headers=[],
    )


def batch_of(*offsets: int, also: tuple[int, ...] = ()) -> Batch:
    batch = Batch(records_max=100, bytes_max=1_000_000)
    batch.add({P0: [record(offset) for offset in offsets]})
    if also:
        batch.add({P1: [record(offset, P1) for offset in also]})
    return batch
