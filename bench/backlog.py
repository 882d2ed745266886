"""A backlog: users are admitted in Redis, their messages are in the topic, no consumer runs yet.

`python -m bench.backlog CAMPAIGN FIRST COUNT` makes one part; `filled` runs several at once.
The record batches are built here and sent unchanged: the producer takes a tenth of a millisecond
per message, and a million messages are needed.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zlib import crc32

from kafka import KafkaAdminClient
from kafka.errors import for_code
from kafka.protocol.producer import ProduceRequest
from kafka.record import MemoryRecordsBuilder

from bench.admitted import admit
from handlers import wiring
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.migration.topic import PARTITIONS, ensure_topic
from handlers.retry import RetryDeadline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.cluster import Cluster
    from handlers.domain.coupon import CouponAccepted

PROCESSES = 2
CHUNK = 10_000  # users at a time: bounds the memory and the size of a request
TIMEOUT_S = 900
# As the producer does: messages of version 2, not compressed, in batches of its batch_size.
MAGIC, UNCOMPRESSED, BATCH_BYTES = 2, 0, 16_384
ALL_REPLICAS = -1
ACK_TIMEOUT_MS = 10_000
REQUEST_ID = b"0b6f6a3c-6b1e-4d3e-9d43-6a4a6a9c2f10"


def filled(cluster: Cluster, campaign_id: str, count: int) -> Cluster:
    """Admit `count` users and send their messages; return the cluster whose topic has them.

    Topic and group are new: Tansu 0.6 sometimes stops responding to a group that members
    left and joined again a few times within seconds.
    """
    name = f"backlog-{uuid.uuid4().hex[:6]}"
    settings = replace(cluster.settings, coupon_topic=name, consumer_group=name)
    ensure_topic(settings, RetryDeadline(TIMEOUT_S, lambda _: None))
    environment = {**cluster.environment, "COUPON_TOPIC": name, "CONSUMER_GROUP": name}
    _fill(environment, campaign_id, count)
    return replace(cluster, environment=environment, settings=settings)


def _fill(environment: Mapping[str, str], campaign_id: str, count: int) -> None:
    share = -(-count // PROCESSES)
    program = (sys.executable, "-m", "bench.backlog", campaign_id)
    parts = [
        subprocess.Popen([*program, str(at), str(min(share, count - at))], env=environment)
        for at in range(0, count, share)
    ]
    try:
        codes = [part.wait(TIMEOUT_S) for part in parts]
    finally:
        for part in parts:
            part.kill()
            part.wait()
    if any(codes):
        raise subprocess.CalledProcessError(max(codes), "bench.backlog")


def main(arguments: Sequence[str]) -> None:
    """Make one part of the backlog."""
    campaign_id, first, count = arguments[0], int(arguments[1]), int(arguments[2])
    with closing(KafkaAdminClient(**connection_options(wiring.settings()))) as client:
        for start in range(first, first + count, CHUNK):
            users = range(start, min(start + CHUNK, first + count))
            _send(client, admit(campaign_id, [f"user-{number}" for number in users]))


def _send(client: Any, coupons: Sequence[CouponAccepted]) -> None:
    by_partition: list[list[CouponAccepted]] = [[] for _ in range(PARTITIONS)]
    for coupon in coupons:
        by_partition[crc32(coupon.user_id.encode()) % PARTITIONS].append(coupon)
    topic, manager = ProduceRequest.TopicProduceData, client._manager  # noqa: SLF001 - no public API bypasses the producer
    for number, part in enumerate(by_partition):
        for records in _record_batches(part):
            partition = topic.PartitionProduceData(index=number, records=records)
            request = ProduceRequest(
                transactional_id=None,
                acks=ALL_REPLICAS,
                timeout_ms=ACK_TIMEOUT_MS,
                topic_data=[topic(name=wiring.settings().coupon_topic, partition_data=[partition])],
                min_version=3,
                max_version=9,
            )
            result = manager.run(_produce, manager, request)
            error = for_code(result.responses[0].partition_responses[0].error_code)
            if error.errno:
                raise error


async def _produce(manager: Any, request: ProduceRequest) -> Any:
    return await manager.send(request)


def _record_batches(coupons: Sequence[CouponAccepted]) -> list[bytes]:
    batches, builder = [], _builder()
    for coupon in coupons:
        message = (None, coupon.user_id.encode(), coupon.encode(), [("request_id", REQUEST_ID)])
        if builder.append(*message) is None:
            batches.append(_closed(builder))
            builder = _builder()
            builder.append(*message)
    return [*batches, _closed(builder)]


def _builder() -> Any:
    return MemoryRecordsBuilder(MAGIC, UNCOMPRESSED, BATCH_BYTES)


def _closed(builder: Any) -> bytes:
    builder.close()
    return bytes(builder.buffer())


if __name__ == "__main__":
    main(sys.argv[1:])
