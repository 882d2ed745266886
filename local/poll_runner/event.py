"""From polled Kafka records to the event that Lambda's event source mapping sends.

Shape: https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html and …/with-kafka.html
"""

from __future__ import annotations

from binascii import b2a_base64
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from local.lambda_context import AWS_ACCOUNT_ID, AWS_REGION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kafka.structs import TopicPartition

EVENT_SOURCE_ARN = f"arn:aws:kafka:{AWS_REGION}:{AWS_ACCOUNT_ID}:cluster/local/local-1"
TIMESTAMP_TYPES = {0: "CREATE_TIME", 1: "LOG_APPEND_TIME"}
TIMESTAMP_TYPE_NONE = "NO_TIMESTAMP_TYPE"
# The names and numbers around the key and the value of one record, rounded up.
RECORD_ENVELOPE_BYTES = 256
# A header byte is a number in the list: "-128, " at the longest.
HEADER_BYTE_CHARACTERS = 6


class EventSource(StrEnum):
    """Which of Lambda's two Kafka event sources is imitated."""

    MSK = "msk"
    SELF_MANAGED = "self-managed"


def kafka_event(
    records: Mapping[TopicPartition, Iterable[Any]],
    bootstrap_servers: Iterable[str],
    source: EventSource,
) -> dict[str, Any]:
    """Return the event for `records` (as polled, by partition, in their order)."""
    origin = (
        {"eventSource": "aws:kafka", "eventSourceArn": EVENT_SOURCE_ARN}
        if source is EventSource.MSK
        else {"eventSource": "SelfManagedKafka"}
    )
    return {
        **origin,
        "bootstrapServers": ",".join(bootstrap_servers),
        "records": {
            partition_name(partition): _records(partition, of_partition)
            for partition, of_partition in records.items()
        },
    }


def partition_name(partition: TopicPartition) -> str:
    """Return the name of a partition in the event and in the handler's result: `topic-0`."""
    return f"{partition.topic}-{partition.partition}"


def encoded_size(record: Any) -> int:
    """Return about how many bytes `record` takes in the event; never too few."""
    size = (len(record.key or b"") + len(record.value or b"")) * 4 // 3 + 8
    for name, value in record.headers:
        size += (len(name) + len(value or b"")) * HEADER_BYTE_CHARACTERS
    return RECORD_ENVELOPE_BYTES + size


def _records(partition: TopicPartition, records: Iterable[Any]) -> list[dict[str, Any]]:
    topic, number = partition
    return [
        {
            "topic": topic,
            "partition": number,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "timestampType": TIMESTAMP_TYPES.get(record.timestamp_type, TIMESTAMP_TYPE_NONE),
            "key": _base64(record.key),
            "value": _base64(record.value),
            "headers": [{name: _signed_bytes(value)} for name, value in record.headers],
        }
        for record in records
    ]


def _base64(data: bytes | None) -> str | None:
    return None if data is None else b2a_base64(data, newline=False).decode("ascii")


def _signed_bytes(data: bytes | None) -> list[int]:
    """Return bytes as Java sees them: -128..127."""
    if not data:
        return []
    return list(data) if data.isascii() else list(memoryview(data).cast("b"))
